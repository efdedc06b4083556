/** When a plan is too bold to be carried out without a word from a person. */
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { goneTopic, markIn } from './identity.ts'
import { covers, type Idle } from './idle.ts'
import type { Found } from './rules.ts'

export interface Refusal {
  by: 'listing' | 'orphans'
  text: string
}

export interface Failed {
  /** The rule: `mirrors.yaml:12`. */
  where: string
  /** What could not be listed, and why. */
  what: string
  why: string
  /** It could not be reached; else it said no. */
  away: boolean
}

/** Of so few nothing can be told: one of three is a third. */
const handful = 2
const share = 0.2

/**
 * Refuses when a listing failed (nobody knows then what is gone, or where it went), and when more than a fifth, and more than two, of an
 * account's mirrors would be orphaned at once: that is a token that sees less than before more often than a big clean-up. `lost`: orphans that no earlier run has dealt with, and that
 * are nowhere else.
 */
export function fuse(
  lost: readonly Idle[],
  mirrors: readonly GiteaRepo[],
  found: readonly Found[],
  failed: readonly Failed[],
): Refusal | null {
  if (failed.length) {
    const list = failed.map(({ where, what, why }) => `${where}: ${what}: ${why}`).join('\n')
    return { by: 'listing', text: `nothing is done, for this could not be listed:\n${list}` }
  }
  const lines = found.flatMap(({ rule }) => {
    const gone = lost.filter((one) => one.rule === rule).length
    const live = mirrors.filter(
      ({ topics, source }) => markIn(topics) && !topics.includes(goneTopic) && covers(rule, source),
    ).length
    if (gone <= handful || gone <= live * share) return []
    return [`${rule.where}: ${gone} of ${live} mirrors would lose their source at once (${Math.round((gone / live) * 100)} %)`]
  })
  if (!lines.length) return null
  return { by: 'orphans', text: `${lines.join('\n')}\nDoes our token still see them? If they are gone, say so with --yes.` }
}
