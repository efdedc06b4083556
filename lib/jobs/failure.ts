/** What is told at the end of a failed job: the step, its first errors, and what to type next. */
import type { Redis } from 'ioredis'
import { followLog } from '#lib/queue/log-reader.ts'
import type { Job } from '#lib/queue/types.ts'
import { firstErrors } from './first-errors.ts'
import { inOrder } from './in-order.ts'
import { passedSteps } from './passed-steps.ts'
import { failedTests, testsText } from './tests.ts'
import { shortId } from './show.ts'

/** The place of the step (or phase) that failed, as the log numbers them; null when none did. */
export function failingStep(job: Job): number | null {
  const at = inOrder(job).findIndex((step) => step.state === 'failed' || step.state === 'cancelled')
  return at < 0 ? null : at
}

/** All that one step of the last attempt put out. */
export async function outputOf(redis: Redis, job: Job, step: number): Promise<string> {
  let text = ''
  for await (const entry of followLog(redis, job.id))
    if (entry.kind === 'out' && entry.attempt === job.attempt && entry.step === step) text += entry.text
  return text
}

/** The lines; none for a job that did not fail at a step. `whole`: the step's output was shown already. */
export async function tellFailure(redis: Redis, job: Job, whole: boolean): Promise<string[]> {
  const at = failingStep(job)
  if (at === null || job.state !== 'failed') return []
  const id = shortId(job.id)
  const commands: [string, string][] = [
    ...(whole ? [] : [[`just tail ${id} --failed`, 'all that this step put out'] as [string, string]]),
    passedSteps(job).length
      ? [`just retry ${id} --failed-only`, 'run it again, without what has passed']
      : [`just retry ${id}`, 'run it again'],
    [`just repro ${id}`, 'a script that does the same on this machine'],
  ]
  const width = Math.max(...commands.map(([command]) => command.length))
  const step = inOrder(job)[at]!
  const tests = failedTests([step], 5)
  // the tests by name say more than the lines that a runner prints
  const errors = whole || tests.length ? [] : firstErrors(await outputOf(redis, job, at))
  const { name } = step
  return [
    ...(tests.length ? [`  in ${name}, ${testsText(step.tests!)}:`, ...tests.map((line) => `    ${line}`)] : []),
    ...(errors.length ? [`  in ${name}:`, ...errors.map((line) => `    ${line}`)] : []),
    ...commands.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`),
  ]
}
