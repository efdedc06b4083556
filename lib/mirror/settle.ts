/** The step that gives one source its mirror, from whatever is there: also from what a run left that was killed between any two calls. */
import { safe } from '#lib/cli/untrusted.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { isPassing, type Claim } from './claim.ts'
import { markIn, newName, oldName } from './identity.ts'
import type { Places } from './places.ts'
import { placeOf, type Action, type At, type Step } from './step.ts'
import { amendments, type Wish } from './wish.ts'

export function settle(claim: Claim, places: Places): Step {
  const { wish, keeper, rest } = claim
  const blocker = places.blocked.get(claim)
  if (blocker) return refusal(claim, blocker)
  const step = keeper ? kept(claim, keeper, places) : rest.length ? repointed(claim, places) : created(claim, places)
  const twin = claim.twin && `; ${claim.twin.owner}/${claim.twin.name} is a second mirror of it, and left alone`
  return {
    ...{ mirror: `${wish.owner}/${wish.name}`, source: wish.source, rule: claim.rule.where, ...step },
    reason: step.reason + (twin ?? ''),
  }
}

type Made = Pick<Step, 'kind' | 'reason' | 'bytes' | 'actions'>

/** The mark comes last: what has it needs no announcement. */
function created(claim: Claim, places: Places): Made {
  const { wish, decision } = claim
  const at: At = { ...nameOf(wish), id: null }
  const actions: Action[] = [
    { do: 'clone', wish: cloneOf(wish, at), begun: false, waitsFor: places.waits.has(claim) ? placeOf(wish) : null },
    { do: 'change', at, change: { intervalMs: wish.intervalMs } },
    { do: 'announce', at, build: wish.build },
    { do: 'topics', at, topics: wish.topics },
  ]
  return { kind: 'create', reason: decision.because, bytes: wish.bytes, actions }
}

/**
 * The address that Gitea clones from can't be changed. So a new mirror is cloned beside the old one, which serves until the new one has all
 * that the source has; then it makes room, the new one takes its name, and it goes.
 */
function repointed(claim: Claim, places: Places): Made {
  const { wish, rest } = claim
  const old = rest.find(({ name, intervalMs }) => intervalMs !== null && name !== newName(wish.mark)) ?? rest[0]!
  const waits = places.waits.get(claim)
  const at: At = { ...nameOf(wish), id: null, ...(waits && { name: newName(wish.mark) }) }
  const there = rest.find((one) => placeOf(one) === placeOf(at))
  const early = there ? leaving(there, wish) : { actions: [], now: null }
  const others = rest.flatMap((one) => (one !== there ? [atOf(one)] : early.now ? [early.now] : []))
  const actions: Action[] = [
    ...early.actions,
    { do: 'clone', wish: cloneOf(wish, at), begun: false, waitsFor: null },
    { do: 'topics', at, topics: wish.topics },
    { do: 'change', at, change: { intervalMs: wish.intervalMs } },
    ...replaced(claim, at, others, places),
  ]
  const kind = ownerIn(old.source) === ownerIn(wish.source) ? 'rename' : 'transfer'
  return { kind, reason: `${safe(old.source)} is called ${safe(wish.source)} now`, bytes: wish.bytes, actions }
}

function kept(claim: Claim, keeper: GiteaRepo, places: Places): Made {
  const { wish, rest, decision } = claim
  const at = atOf(keeper)
  const unfinished = keeper.intervalMs === null
  const begun: Action[] = unfinished ? [{ do: 'clone', wish: cloneOf(wish, at), begun: true, waitsFor: null }] : []
  const moves = replaced(claim, at, rest.map(atOf), places)
  const moved = placeOf(keeper) !== placeOf(wish) || keeper.name !== wish.name
  const { actions, words } = amendments(keeper, { ...nameOf(wish), id: keeper.id }, wish)
  const passing = isPassing(keeper, wish.mark)
  const isNew = !markIn(keeper.topics) && !passing && !rest.length
  const announced: Action[] = isNew ? [{ do: 'announce', at: { ...nameOf(wish), id: keeper.id }, build: wish.build }] : []
  const all = [...begun, ...moves, ...announced, ...actions]
  if (unfinished && isNew)
    return { kind: 'create', reason: `its first clone has not ended; ${decision.because}`, bytes: wish.bytes, actions: all }
  const reason = [
    passing || rest.length ? 'what an earlier run began is brought to its end' : '',
    moved && !passing ? `it is called ${keeper.owner}/${keeper.name}` : '',
    ...words,
  ].filter(Boolean)
  const sameOwner = keeper.owner.toLowerCase() === wish.owner.toLowerCase()
  const kind = moved || rest.length ? (sameOwner ? 'rename' : 'transfer') : actions.length ? 'update' : 'nothing'
  return { kind, reason: reason.join(', ') || decision.because, bytes: unfinished ? wish.bytes : 0, actions: all }
}

/** From where the keeper is to its place, and the others gone. */
function replaced(claim: Claim, from: At, others: At[], places: Places): Action[] {
  const { wish } = claim
  const to = nameOf(wish)
  const waits = places.waits.get(claim)
  const ours = waits && others.find(({ id }) => id === waits.id)
  const waitsFor = waits && !ours ? placeOf(wish) : null
  const actions: Action[] = others.length ? [{ do: 'verify', at: from, source: wish.source }] : []
  const gone = others.map((other) => {
    if (other !== ours && !places.leave.has(other.id!)) return other
    const name = passingName(wish, other.id!)
    actions.push({ do: 'rename', at: other, to: name, waitsFor: null })
    return { ...other, name }
  })
  let at = from
  const rename = (name: string, wait: string | null): void => {
    if (at.name !== name) actions.push({ do: 'rename', at, to: name, waitsFor: wait })
    at = { ...at, name }
  }
  const crosses = at.owner.toLowerCase() !== to.owner.toLowerCase()
  // by a name that nobody else has, for others may wait for the old one, and the new one may not be free yet
  if ((crosses && (at.name !== to.name || waits)) || (waitsFor && places.leave.has(at.id ?? -1))) rename(newName(wish.mark), null)
  if (crosses) {
    actions.push({ do: 'transfer', at, to: to.owner, waitsFor: null })
    at = { ...at, owner: to.owner }
  }
  rename(to.name, waitsFor)
  return [...actions, ...gone.map((other) => ({ do: 'delete', at: other }) as const)]
}

/** What stands where the new one is cloned to: out of the way at once. What was never cloned to its end can't be renamed. */
function leaving(mirror: GiteaRepo, wish: Wish): { actions: Action[]; now: At | null } {
  const at = atOf(mirror)
  if (mirror.intervalMs === null) return { actions: [{ do: 'delete', at }], now: null }
  const name = passingName(wish, mirror.id)
  return { actions: [{ do: 'rename', at, to: name, waitsFor: null }], now: { ...at, name } }
}

function refusal({ wish, rule }: Claim, there: GiteaRepo): Step {
  const what = there.mirror ? `a mirror of ${safe(there.source)}` : 'a repository of its own'
  const reason = `${there.owner}/${there.name} is in its place and is ${what}; rename that, or give this one another owner or name`
  const mirror = `${wish.owner}/${wish.name}`
  return { kind: 'refused', mirror, source: wish.source, reason, rule: rule.where, bytes: 0, actions: [] }
}

const passingName = ({ mark }: Wish, id: number): string => `${oldName(mark)}-${id}`
const nameOf = ({ owner, name }: Wish) => ({ owner, name })
const atOf = ({ owner, name, id }: GiteaRepo): At => ({ owner, name, id })
const ownerIn = (url: string): string => url.toLowerCase().split('/').slice(0, -1).join('/')
const cloneOf = (wish: Wish, { owner, name }: At) => ({
  ...{ owner, name, source: wish.source, private: wish.private },
  ...{ description: wish.description, wiki: wish.wiki, lfs: wish.lfs, intervalMs: wish.intervalMs },
})
