import type { Job, PassedStep } from '#lib/queue/types.ts'

/**
 * The steps of a job that need not run again: they passed, in its last attempt or before, and no later step needs what they make. None where
 * the commit is not known: then another may be built.
 */
export function passedSteps({ steps, commit, attempt, passed }: Job): PassedStep[] {
  if (!commit) return []
  return steps.flatMap((step, index) => {
    if (!step.independent) return []
    if (step.state === 'success') return { index, name: step.name, attempt }
    // left out of the last attempt as well
    const before = passed.find((one) => one.index === index && one.name === step.name)
    return step.state === 'skipped' && before ? before : []
  })
}
