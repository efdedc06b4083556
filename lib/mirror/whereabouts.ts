/** Asks forges for sources that no listing has any more: what was only moved is not gone. */
import type { Config } from '#lib/config.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { listById } from '#lib/forge/listing/one.ts'
import type { Failed } from './fuse.ts'
import { idInMark } from './identity.ts'
import type { Orphan } from './plan.ts'

/** So many are asked for; of more the fuse tells a person. */
const most = 100

/** By mark the address at which a source is now. `failed`: what the forge could not say, so that nothing may be taken for gone. */
export async function whereaboutsOf(
  orphans: readonly Orphan[],
  { forges }: Pick<Config, 'forges'>,
  signal: AbortSignal,
): Promise<{ whereabouts: Map<string, string>; failed: Failed[] }> {
  const whereabouts = new Map<string, string>()
  const failed: Failed[] = []
  for (const { mark, rule, source } of orphans.slice(0, most)) {
    const id = idInMark(mark)
    if (rule.from.kind !== 'account' || id === null) continue
    const { forge, url } = rule.from.account
    try {
      const there = await listById(forge, url, id, { forges, signal })
      if (there) whereabouts.set(mark, there.cloneUrl)
    } catch (error) {
      if (signal.aborted || !(error instanceof RaibidError)) throw error
      failed.push({ where: rule.where, what: source, why: error.message, away: error instanceof UnreachableError })
      break
    }
  }
  return { whereabouts, failed }
}
