import { formatDuration } from '#lib/duration.ts'
import { messageOf } from '#lib/errors.ts'
import type { PlannedStep } from '#lib/pipeline/types.ts'
import type { Step } from '#lib/queue/types.ts'
import { oomKills } from './oom.ts'
import { runStep, type StepOptions, type StepResult } from './run-step.ts'

/** Runs one planned step, and writes into `step` how it ended. Throws only for what is the agent's own fault. */
export async function runPlanned(
  { run, timeoutMs = 0, skip }: PlannedStep,
  step: Step,
  where: Omit<StepOptions, 'script' | 'timeoutMs'>,
  kills: () => number = oomKills,
): Promise<void> {
  if (skip) return void Object.assign(step, { state: 'skipped', reason: skip })
  const killed = kills()
  try {
    const ended = await runStep({ ...where, script: run, timeoutMs })
    step.exitCode = ended.exitCode
    step.state = ended.outcome === 'exited' && ended.exitCode === 0 ? 'success' : 'failed'
    if (step.state === 'failed') step.reason = reasonOf(ended, timeoutMs) + (kills() > killed ? ', out of memory' : '')
  } catch (error) {
    // the workspace deleted, an environment too large: what the repository did is its failure, not the agent's
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
    const { code = cause?.code ?? '' } = error as NodeJS.ErrnoException
    if (!['ENOENT', 'ENOTDIR', 'EACCES', 'E2BIG'].includes(code)) throw error
    Object.assign(step, { state: 'failed', reason: messageOf(error) })
  }
}

/** What is shown of a script beside a step's name: its first line, unless that is the name. */
export function shownScript({ name, run, skip }: PlannedStep): string | undefined {
  if (skip || name === run) return undefined
  const [first = '', ...more] = run.trim().split('\n')
  return first.slice(0, 200) + (more.length || first.length > 200 ? ' …' : '')
}

function reasonOf(ended: StepResult, timeoutMs: number): string {
  if (ended.outcome === 'timeout') return `timed out after ${formatDuration(timeoutMs)}`
  return ended.signal ? `ended by ${ended.signal}` : `exit ${ended.exitCode}`
}
