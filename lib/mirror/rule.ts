import type { MirrorRule } from './types.ts'
import { parseRepo } from '#lib/repo.ts'

/** What a rule says besides where it stands and what it is about. */
export type Policy = Omit<MirrorRule, 'where' | 'from'>

const usual: Omit<Policy, 'owner'> = {
  ...{ include: null, exclude: null, private: false, forks: false, archived: false, topics: [], language: null },
  ...{ visibility: 'source', intervalMs: 8 * 3_600_000, wiki: false, lfs: false, name: null, orphans: 'keep', build: false },
}

/** The rule with whatever is not given filled in; what is undefined counts as not given. */
export function ruleOf(
  where: string,
  from: MirrorRule['from'],
  given: { [K in keyof Policy]?: Policy[K] | undefined } = {},
): MirrorRule {
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { where, from, ...usual, owner: ownerOf(from), ...own }
}

/** Called as the organisation, user or group itself is, and for a single repository as its owner is. */
function ownerOf(from: MirrorRule['from']): string {
  const parts = from.kind === 'account' ? from.account.name.split('/') : parseRepo(from.url).name.split('/').slice(0, -1)
  return parts.at(-1) ?? ''
}
