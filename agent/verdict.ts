import type { PlannedStep } from '#lib/pipeline/types.ts'
import type { Step } from '#lib/queue/types.ts'

interface Verdict {
  state: 'success' | 'failed'
  reason: string
  exitCode: number | null
}

/** What a job is worth none of whose steps failed: one that ran nothing proves nothing, unless its repository wants nothing of this branch. */
export function verdict(planned: PlannedStep[], steps: Step[], branch: string): Verdict {
  if (planned.length && planned.every((one) => one.elsewhere))
    return { state: 'success', reason: `nothing to do: no step is for the branch ${branch || '(none)'}`, exitCode: 0 }
  if (!steps.every((step) => step.state === 'skipped')) return { state: 'success', reason: '', exitCode: 0 }
  const why = [...new Set(steps.map((step) => step.reason))].join('; ')
  const reason = `nothing was run: ${steps.length ? `every step was skipped (${why})` : 'there are no steps'}`
  return { state: 'failed', reason, exitCode: null }
}
