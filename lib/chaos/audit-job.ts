import type { Invariant, Violation } from './audit.ts'
import { auditLog } from './audit-log.ts'
import type { Change, JobFacts } from './facts.ts'
import { resultOf } from './jobs.ts'
import { isFinal, type JobState } from '#lib/queue/types.ts'

const final = ({ state }: { state: string }): boolean => isFinal(state as JobState)

/** What is wrong with one acknowledged job. A job whose record was deleted on purpose owes nothing but to be gone. */
export function auditJob(facts: JobFacts, logBound: number): Violation[] {
  const { id, job, changes, deleted } = facts
  const found: Violation[] = []
  const wrong = (invariant: Invariant, text: string, linesLost?: number): void =>
    void found.push({ invariant, job: id, text, ...(linesLost !== undefined && { linesLost }) })

  if (deleted) {
    if (job) wrong('left', 'its record was deleted, and is there again')
    return found
  }
  if (!job) {
    wrong('lost', 'it was acknowledged, and there is no such job')
    return found
  }
  if (!final(job)) {
    wrong('lost', `it was acknowledged, and is still ${job.state}`)
    return found
  }
  const ends = changes.filter(final)
  if (ends.length !== 1)
    wrong('one-final-state', `it became final ${ends.length} times: ${ends.map(({ state }) => state).join(', ')}`)
  const last = changes.at(-1)
  if (last && !final(last)) wrong('one-final-state', `it changed to ${last.state} after its end`)
  if (ends[0] && ends[0].state !== job.state) wrong('one-final-state', `it became ${ends[0].state}, and is ${job.state}`)
  for (const text of auditAttempts(changes)) wrong('one-result', text)
  for (const { invariant, text } of auditResult(facts, ends.at(-1))) wrong(invariant, text)
  for (const text of auditEffects(facts)) wrong('one-result', text)
  const accepted = job.state === 'success' || job.state === 'failed' ? job.attempt : 0
  for (let attempt = 1; attempt <= job.attempt; attempt++)
    for (const { text, linesLost } of auditLog(facts, attempt, attempt === accepted, logBound)) wrong('log', text, linesLost)
  return found
}

/** Attempts are counted 1, 2, 3, …, and each ends before the next begins. */
function auditAttempts(changes: Change[]): string[] {
  const found: string[] = []
  let open: Change | null = null
  let attempts = 0
  for (const change of changes) {
    if (change.state === 'running') {
      if (open)
        found.push(`attempt ${change.attempt} began (${change.actor}) before attempt ${open.attempt} (${open.actor}) had ended`)
      if (change.attempt !== ++attempts) found.push(`attempt ${change.attempt} followed attempt ${attempts - 1}`)
      open = change
    } else if (change.state !== 'cancelling') {
      if (open && change.attempt !== open.attempt) found.push(`attempt ${change.attempt} ended while ${open.attempt} ran`)
      open = null
    }
  }
  return found
}

/** The result is that of the last attempt, by its own agent, and what the job's script makes it. */
function auditResult({ job, plan, changes }: JobFacts, end: Change | undefined): { invariant: Invariant; text: string }[] {
  const found: { invariant: Invariant; text: string }[] = []
  if (!job || !end) return found
  const { state, exitCode, reason, attempt, tries } = job
  const cancel = changes.some((change) => change.state === 'cancelling')
  if (cancel && state !== 'cancelled')
    found.push({ invariant: 'wrong-result', text: `it was cancelled while running, and is ${state}` })
  if (state === 'cancelled') {
    if (!cancel && end.actor !== 'cancel')
      found.push({ invariant: 'wrong-result', text: 'nobody cancelled it, and it is cancelled' })
  } else if (state === 'dead') {
    if (tries !== 3 || attempt < 3)
      found.push({ invariant: 'wrong-result', text: `it was given up after ${tries} losses in ${attempt} attempts` })
  } else {
    const begun = changes.findLast((change) => change.state === 'running')
    if (begun?.attempt !== end.attempt || begun.actor !== end.actor)
      found.push({
        invariant: 'stale-result',
        text: `${end.actor} (attempt ${end.attempt}) decided what ${begun?.actor} (attempt ${begun?.attempt}) was doing`,
      })
    const expected = resultOf(plan, attempt)
    const other = Array.from({ length: attempt - 1 }, (_, n) => resultOf(plan, n + 1)).find((one) => one.exitCode === exitCode)
    if (plan.kind === 'poison') found.push({ invariant: 'wrong-result', text: `it kills its agent each time, and is ${state}` })
    else if (state !== expected.state || exitCode !== expected.exitCode || reason !== expected.reason)
      found.push({
        invariant: other && exitCode !== expected.exitCode ? 'stale-result' : 'wrong-result',
        text: `attempt ${attempt} must end as ${expected.state} (${expected.exitCode}), and is ${state} (${exitCode ?? '-'}): ${reason}`,
      })
  }
  return found
}

/** Each attempt ran at most once, and the accepted one to its end. */
function auditEffects({ job, began, ended }: JobFacts): string[] {
  const found: string[] = []
  for (const [attempt, times] of Object.entries(began)) if (times > 1) found.push(`attempt ${attempt} was run ${times} times`)
  for (const [attempt, times] of Object.entries(ended)) if (times > 1) found.push(`attempt ${attempt} ended ${times} times`)
  if (!job) return found
  const ran = Object.keys(began)
    .map(Number)
    .find((attempt) => attempt > job.attempt)
  if (ran) found.push(`attempt ${ran} was run, and only ${job.attempt} were claimed`)
  if ((job.state === 'success' || job.state === 'failed') && (!began[job.attempt] || !ended[job.attempt]))
    found.push(`attempt ${job.attempt} was accepted, and its steps did not run to their end`)
  return found
}
