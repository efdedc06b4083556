/** From what is there and what the rules decided to what is to be done. Pure: whenever a run was killed, the next plan is made of what it left. */
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { claim } from './claim.ts'
import { fuse, type Failed, type Refusal } from './fuse.ts'
import { idleMirrors, idleStep, isLaidAside } from './idle.ts'
import { markIn } from './identity.ts'
import { places } from './places.ts'
import type { Decision, Found } from './rules.ts'
import { settle } from './settle.ts'
import type { Step } from './step.ts'
import type { MirrorRule } from './types.ts'
import { wishOf } from './wish.ts'

export interface PlanInput {
  /** What was listed, rule by rule; of a single repository that is gone an empty list. */
  found: readonly Found[]
  /** What the rules say of it. */
  decisions: readonly Decision[]
  /** What could not be listed. */
  failed: readonly Failed[]
  /** Everything that the owners concerned have in our Gitea, mirror or not. */
  existing: readonly GiteaRepo[]
  /** By the mark of what no listing has any more: the address at which its forge still has it. */
  whereabouts?: ReadonlyMap<string, string>
}

/** A mirror whose source no listing has. */
export interface Orphan {
  mark: string
  source: string
  rule: MirrorRule
}

export interface Plan {
  steps: Step[]
  /** Those that no earlier run has dealt with. */
  orphans: Orphan[]
  /** Why it is not to be carried out as it is; null: nothing speaks against it. */
  refusal: Refusal | null
}

export function planMirrors({ found, decisions, failed, existing, whereabouts = new Map() }: PlanInput): Plan {
  const mirrors = existing.filter(({ mirror }) => mirror)
  const claims = decisions.flatMap((decision) => {
    const { mirrored, rule, target, repo } = decision
    return mirrored && rule && target ? [claim(wishOf(repo, rule, target), decision, mirrors)] : []
  })
  const claimed = new Set(claims.flatMap(({ keeper, rest }) => [keeper, ...rest].map((repo) => repo?.id ?? -1)))
  // an answer that never came says nothing of what is gone
  const idle = idleMirrors({ mirrors, claimed, found, decisions, whereabouts }).filter(({ orphan }) => !orphan || !failed.length)
  const placed = places(
    claims,
    idle.map(({ mirror }) => mirror),
    existing,
  )
  const steps = [
    ...claims.map((one) => settle(one, placed)),
    ...decisions.filter(({ refused }) => refused).map(refusedStep),
    ...idle.map((one) => idleStep(one, placed)),
  ]
  const fresh = idle.filter((one) => one.orphan && !isLaidAside(one))
  const orphans = fresh.map(({ mirror, rule }) => ({ mark: markIn(mirror.topics)!, source: mirror.source, rule }))
  const lost = fresh.filter(({ moved }) => !moved)
  return { steps, orphans, refusal: fuse(lost, mirrors, found, failed) }
}

/** What its rule would have, and Gitea can't. */
function refusedStep({ repo, rule, because }: Decision): Step {
  const mirror = `${rule!.owner}/${rule!.name ?? repo.name}`
  return { kind: 'refused', mirror, source: repo.cloneUrl, reason: because, rule: rule!.where, bytes: 0, actions: [] }
}

/** What a plan changes. */
export const changesOf = ({ steps }: Plan): Step[] => steps.filter(({ actions }) => actions.length > 0)
