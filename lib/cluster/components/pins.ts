import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { giveBack } from '#lib/bootstrap/give-back.ts'
import { files } from '#lib/contract.ts'
import { messageOf, UnreachableError, UsageError } from '#lib/errors.ts'
import { writeWhole } from '#lib/pool/state.ts'
import type { ClusterContext, Component } from '../component.ts'
import { installFile } from '../gitops/install.ts'
import { at } from '../k3s/files.ts'
import { architectureOf } from '../k3s/install.ts'
import { knownReleases, readPins } from '../pins.ts'
import { checksumOf } from '../registry.ts'
import { fromFolder } from '../release-file.ts'
import { mustLookRight } from '../release-shape.ts'
import { fluxInstall, k3sRelease } from '../releases.ts'

export interface Needed {
  url: string
  /** As the folder for machines without a network calls it. */
  name: string
}

/** The files that this installation runs or applies. Of a k3s that was here before nothing is downloaded. */
async function needed({ host, settings }: ClusterContext): Promise<Needed[]> {
  const flux = { url: fluxInstall, name: installFile }
  const foreign = existsSync(host.path(at.unit)) && !existsSync(host.path(join(at.downloads)))
  if (settings.existing || foreign) return [flux]
  const architecture = await architectureOf({ host })
  const list = `sha256sum-${architecture}.txt`
  return [{ url: k3sRelease.script, name: 'install.sh' }, { url: k3sRelease.checksums(architecture), name: list }, flux]
}

const lackingOf = (ctx: ClusterContext, all: readonly Needed[]): Needed[] => {
  const { releases } = knownReleases(ctx.home)
  return all.filter(({ url }) => !releases[url])
}
const missing = async (ctx: ClusterContext): Promise<Needed[]> => lackingOf(ctx, await needed(ctx))

/** Records on their first use what these files are. UnreachableError for one that can't be had, or is something else. */
export async function recordFirstUse(ctx: ClusterContext, all: readonly Needed[]): Promise<void> {
  const file = join(ctx.home, files.clusterPins)
  for (const one of lackingOf(ctx, all)) {
    ctx.signal.throwIfAborted()
    ctx.say(`asks what ${one.name} is`)
    const found = await askFor(ctx, one)
    // each at once: what was asked is not asked again by the run that goes on
    const before = readPins(file)
    writeWhole(file, `${JSON.stringify({ ...before, releases: { ...before.releases, [one.url]: found } }, null, 2)}\n`)
    giveBack([ctx.home, dirname(file), file])
  }
}

async function askFor({ settings: { airgap, mirrors }, signal }: ClusterContext, { url, name }: Needed): Promise<string> {
  if (airgap) {
    const bytes = fromFolder(airgap, name)
    try {
      mustLookRight(url, bytes)
    } catch (error) {
      throw new UsageError(`--airgap: ${join(airgap, name)}: ${messageOf(error)}`)
    }
    return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  }
  return checksumOf(url, mirrors, signal).catch((error: unknown) => {
    if (signal.aborted) throw error
    throw new UnreachableError(
      `${url} can't be asked for: ${messageOf(error)}; give --mirror ${new URL(url).host}=<url>, or --airgap <folder>`,
    )
  })
}

/**
 * What is downloaded is known, byte by byte, before anything of it is run: by `manifests/pins.json` of the repository, else it is recorded on the first
 * use, as ssh does with the keys of hosts. From then on another file under the same name is refused.
 */
export const pins: Component = {
  name: 'pins',
  title: 'what is downloaded, known by its checksum',
  needs: ['machine'],
  withoutCluster: true,
  async check(ctx) {
    const [all, lacking] = [await needed(ctx), await missing(ctx)]
    if (!lacking.length) return { state: 'healthy', reason: `${all.length} file${all.length === 1 ? '' : 's'} of releases` }
    const reason = `nobody recorded what ${lacking[0]!.url} is`
    return lacking.length === all.length ? { state: 'absent', reason } : { state: 'degraded', reason }
  },
  async plan(ctx) {
    const file = join(ctx.home, files.clusterPins)
    return (await missing(ctx)).map(
      ({ url }) => `record in ${file} what ${url} is, on this first use (just pin does so for everybody)`,
    )
  },
  apply: async (ctx) => recordFirstUse(ctx, await needed(ctx)),
}
