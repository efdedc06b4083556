import type { Job, Step } from '#lib/queue/types.ts'

/** Phases and steps of a job in the order in which they began: their places are what its log numbers them by. */
export function inOrder({ phases, steps }: Pick<Job, 'phases' | 'steps'>): Step[] {
  const all = [...phases.filter(({ at }) => at === undefined), ...steps]
  for (const late of phases) if (late.at !== undefined) all.splice(late.at, 0, late)
  return all
}
