import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openContext } from '#lib/bootstrap/context.ts'
import { journal } from '#lib/bootstrap/journal.ts'
import { choose, inOrder, type Choice } from '#lib/bootstrap/order.ts'
import { run } from '#lib/bootstrap/run.ts'
import type { ClusterContext, Component, Settings } from '#lib/cluster/component.ts'
import { loadConfig } from '#lib/config.ts'
import { configOf } from './rendered.ts'

/** A context as bootstrap has it, for a cluster that is there. */
export async function contextFor(kubeconfig: string, yaml = '', own: Partial<Settings> = {}): Promise<ClusterContext> {
  const config = yaml ? await configOf(yaml) : await loadConfig({ env: {} })
  const home = mkdtempSync(join(tmpdir(), 'raibid-boot-'))
  const settings: Settings = { preset: 'minimal', existing: { kubeconfig }, airgap: null, mirrors: {}, ...own }
  return openContext({ config: { ...config, home }, settings, signal: new AbortController().signal })
}

/** One bootstrap; gives `name: what`, and with what failed why. */
export async function walk(components: readonly Component[], ctx: ClusterContext, choice: Choice = {}): Promise<string[]> {
  const list = choose(inOrder(components), choice)
  const outcomes = await run(list, ctx, { journal: journal(ctx.home, () => {}), emit: () => {}, everyMs: 200 })
  return outcomes.map(({ name, what, reason }) => `${name}: ${what}${what === 'failed' ? ` (${reason})` : ''}`)
}
