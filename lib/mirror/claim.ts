/** Which mirrors of our Gitea are those of one source. */
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { markIn, newName, oldName, sameSource } from './identity.ts'
import type { Decision } from './rules.ts'
import type { MirrorRule } from './types.ts'
import type { Wish } from './wish.ts'

export interface Claim {
  decision: Decision
  rule: MirrorRule
  wish: Wish
  /** The mirror that stays; null: there is none that is cloned from where the source is now. */
  keeper: GiteaRepo | null
  /** Those that go once the keeper has all that the source has: of the source's earlier address, or left by a run that was cut off. */
  rest: GiteaRepo[]
  /** Another whole mirror of the same address: not ours to delete. */
  twin: GiteaRepo | null
}

/** A mirror is a source's by its mark; without one by its address, for a run may have ended between the two, or a person made it. */
export function claim(wish: Wish, decision: Decision, mirrors: readonly GiteaRepo[]): Claim {
  const ours = mirrors.filter((mirror) => {
    const mark = markIn(mirror.topics)
    if (mark) return mark === wish.mark
    return sameOwner(mirror, wish) && (sameSource(mirror.source, wish.source) || isPassing(mirror, wish.mark))
  })
  const [keeper = null, ...others] = ours
    .filter(({ source }) => sameSource(source, wish.source))
    .toSorted((a, b) => rank(a, wish) - rank(b, wish) || a.id - b.id)
  const twins = others.filter((mirror) => !isPassing(mirror, wish.mark) && (mirror.intervalMs !== null || !markIn(mirror.topics)))
  const rest = ours.filter((mirror) => mirror !== keeper && !twins.includes(mirror))
  return { decision, rule: decision.rule!, wish, keeper, rest, twin: twins[0] ?? null }
}

/** One that was cloned to its end is better than one that was not, then one that is marked, then one that stands where it should. */
const rank = (mirror: GiteaRepo, wish: Wish): number =>
  (mirror.intervalMs === null ? 8 : 0) +
  (markIn(mirror.topics) ? 0 : 4) +
  (sameOwner(mirror, wish) ? 0 : 2) +
  (mirror.name.toLowerCase() === wish.name.toLowerCase() ? 0 : 1)

const sameOwner = (mirror: GiteaRepo, wish: Wish): boolean => mirror.owner.toLowerCase() === wish.owner.toLowerCase()

/** Has it a name that only a run in progress gives? */
export const isPassing = ({ name }: GiteaRepo, mark: string): boolean => name === newName(mark) || name.startsWith(oldName(mark))
