import type { PlannedStep } from '#lib/pipeline/types.ts'
import type { PassedStep } from '#lib/queue/types.ts'

/** The same steps; one that passed in an earlier attempt, and stands alone, is skipped. */
export function leftOut(planned: PlannedStep[], passed: PassedStep[]): PlannedStep[] {
  return planned.map((step, at) => {
    const before = passed.find(({ index, name }) => index === at && name === step.name)
    return before && step.independent && !step.skip ? { ...step, skip: `passed in attempt ${before.attempt}` } : step
  })
}
