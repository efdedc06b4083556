import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '#lib/config.ts'
import type { KubeObject } from '#lib/cluster/object.ts'
import { render } from '#lib/cluster/render.ts'

/** The config that a raibid.yaml of this text gives. */
export async function configOf(text: string): Promise<Config> {
  const home = mkdtempSync(join(tmpdir(), 'cluster-'))
  const file = join(home, 'raibid.yaml')
  writeFileSync(file, text)
  return loadConfig({ env: { RAIBID_HOME: home, RAIBID_CONFIG: file } })
}

export const none = { images: {}, releases: {} }

/** One object of the rendered ones. */
export function pick(objects: readonly KubeObject[], kind: string, name: string): any {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name)
  if (!found) throw new Error(`${kind} ${name} was not rendered`)
  return found
}

export const rendered = async (overlay: 'spark' | 'dev', text: string): Promise<KubeObject[]> =>
  render(await configOf(text), overlay, none)
