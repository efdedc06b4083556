/** Mirrors of ours that no rule asks for: their source is gone, or is no longer chosen. */
import { safe } from '#lib/cli/untrusted.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { Account } from '#lib/forge/listing/types.ts'
import { goneTopic, markIn, markOf, sameSource } from './identity.ts'
import type { Decision, Found } from './rules.ts'
import type { Places } from './places.ts'
import { placeOf, type Action, type At, type Step } from './step.ts'
import type { MirrorRule } from './types.ts'

export interface Idle {
  mirror: GiteaRepo
  rule: MirrorRule
  why: string
  /** No listing has its source; else that is there, and not chosen. */
  orphan: boolean
  /** Its forge says that it has its source, elsewhere. */
  moved: boolean
  /** `keep` with `stop`: it is not synchronised any more, so that Gitea doesn't try in vain, or clone what came to the same address. */
  policy: MirrorRule['orphans']
  stop: boolean
  /** To be hidden as its source is. */
  hide: boolean
}

interface IdleInput {
  mirrors: readonly GiteaRepo[]
  claimed: ReadonlySet<number>
  found: readonly Found[]
  decisions: readonly Decision[]
  whereabouts: ReadonlyMap<string, string>
}

/** Of the mirrors that no wish has claimed. Those of accounts that no rule lists are nobody's business. */
export function idleMirrors({ mirrors, claimed, found, decisions, whereabouts }: IdleInput): Idle[] {
  const known = new Map(decisions.map((decision) => [markOf(decision.repo), decision]))
  return mirrors.flatMap((mirror): Idle[] => {
    const mark = markIn(mirror.topics)
    if (!mark || claimed.has(mirror.id)) return []
    const decision = known.get(mark)
    if (decision?.refused || decision?.mirrored) return []
    const rule = found.find(({ rule }) => covers(rule, mirror.source))?.rule
    if (decision) {
      const moved = !sameSource(mirror.source, decision.repo.cloneUrl)
      const hide = decision.repo.private && !mirror.private && rule?.visibility !== 'public'
      const from = rule ?? found.find(({ repos }) => repos.includes(decision.repo))!.rule
      const why = `not chosen any more (${decision.because}); it is kept`
      return [{ mirror, rule: from, why, orphan: false, moved: false, policy: 'keep', stop: moved, hide }]
    }
    if (!rule) return []
    const address = whereabouts.get(mark)
    const why = address
      ? `${safe(mirror.source)} is ${safe(address)} now, where no rule looks`
      : `${safe(mirror.source)} is not there any more: deleted, or hidden from our token`
    // what is only elsewhere is not lost, and may come back
    const policy = address && rule.orphans === 'delete' ? 'keep' : rule.orphans
    return [{ mirror, rule, why, orphan: true, moved: address !== undefined, policy, stop: true, hide: false }]
  })
}

/** Whether a rule looks at the place of a clone address. */
export function covers({ from }: MirrorRule, source: string): boolean {
  if (from.kind === 'repo') return sameSource(from.url, source)
  return isOf(from.account, source)
}

function isOf({ url, name }: Account, source: string): boolean {
  const bare = (text: string): string => text.replace(/^[a-z]+:\/\//i, '').toLowerCase()
  return bare(source).startsWith(`${bare(url)}/${name.toLowerCase()}/`)
}

/** Whether an orphan was dealt with by an earlier run. */
export const isLaidAside = ({ mirror, policy }: Idle): boolean =>
  mirror.topics.includes(goneTopic) && policy !== 'delete' && (policy === 'keep' || isArchived(mirror.name))

const isArchived = (name: string): boolean => name.startsWith('archived-')

/** What becomes of one; where another waits for its place, it makes room under another name. */
export function idleStep(idle: Idle, { leave, isFree }: Places): Step {
  const { mirror, policy, orphan, stop, hide, why, rule } = idle
  const at: At = { owner: mirror.owner, name: mirror.name, id: mirror.id }
  const step = { source: mirror.source, rule: rule.where, bytes: 0 }
  if (policy === 'delete') {
    const reason = `${why}; its rule says orphans: delete`
    return { ...step, kind: 'orphan', mirror: `${at.owner}/${at.name}`, reason, actions: [{ do: 'delete', at }] }
  }
  const goes = leave.has(mirror.id) || (policy === 'archive' && !isArchived(mirror.name))
  const wanted = goes ? archivedName(mirror, isFree) : null
  const now: At = wanted ? { ...at, name: wanted } : at
  const change = { ...(stop && mirror.intervalMs !== 0 && { intervalMs: 0 }), ...(hide && { private: true }) }
  const { topics: had } = mirror
  // Gitea takes 25
  const topics = stop && !had.includes(goneTopic) ? [...new Set([markIn(had)!, goneTopic, ...had])].slice(0, 25) : null
  const actions: Action[] = [
    ...(wanted ? [{ do: 'rename', at, to: wanted, waitsFor: null } as const] : []),
    ...(Object.keys(change).length ? [{ do: 'change', at: now, change } as const] : []),
    ...(topics ? [{ do: 'topics', at: now, topics } as const] : []),
  ]
  const done = [
    wanted && policy === 'archive' && `archived as ${wanted}`,
    wanted && policy !== 'archive' && `called ${wanted} from now on, to make room for another`,
    change.intervalMs === 0 && 'synchronised no more',
    hide && 'made private, as its source is',
  ].filter(Boolean)
  const kind = actions.length === 0 ? 'nothing' : orphan ? 'orphan' : wanted ? 'rename' : 'update'
  return { ...step, kind, mirror: `${now.owner}/${now.name}`, reason: [why, ...done].join('; '), actions }
}

/** `archived-<name>`, or with its number in Gitea where that is taken. */
export function archivedName({ owner, name, id }: GiteaRepo, isFree: (place: string) => boolean): string {
  const plain = `archived-${name}`.slice(0, 100)
  return isFree(placeOf({ owner, name: plain })) ? plain : `archived-${name.slice(0, 75)}-${id}`
}
