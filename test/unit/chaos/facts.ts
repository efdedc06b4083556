import type { Change, Facts, JobFacts } from '#lib/chaos/facts.ts'
import { outputOf, resultOf, type JobKind, type PlannedJob } from '#lib/chaos/jobs.ts'
import type { LogEntry } from '#lib/queue/log-reader.ts'
import type { Job } from '#lib/queue/types.ts'

export const aPlan = (more: Partial<PlannedJob> = {}): PlannedJob => ({
  name: 'j1',
  kind: 'short' as JobKind,
  salt: 17,
  lines: 5,
  width: 4,
  pauseMs: 0,
  ...more,
})

const step = { exitCode: 0, durationMs: 12, state: 'success' } as const

/** The log of one attempt whose steps ran to their end, in chunks of a few lines. */
export function aLog(plan: PlannedJob, attempt: number, state = resultOf(plan, attempt).state as string): LogEntry[] {
  let seq = 0
  const base = () => ({ id: `${attempt}-${seq++}`, attempt, at: 1000 })
  const [work, close] = outputOf(plan, attempt)
  const out = (step: number, text: string): LogEntry => ({ ...base(), kind: 'out', step, text })
  const chunks = work.match(/(?:.*\n){1,2}/g) ?? []
  return [
    { ...base(), kind: 'start', agent: `a${attempt}` },
    out(0, 'Cloning /srv/app at main\n'),
    ...chunks.map((text) => out(1, text)),
    { ...base(), kind: 'done', step: 1, ...step },
    out(2, close),
    { ...base(), kind: 'done', step: 2, ...step, exitCode: resultOf(plan, attempt).exitCode },
    { ...base(), kind: 'end', state, reason: '', again: 0 },
  ]
}

/** A job that ended as it should, on its `attempt`th attempt; the earlier ones were lost. */
export function aJob(plan = aPlan(), attempt = 1, more: Partial<Job> = {}): JobFacts {
  const id = '01J00000000000000000000000'
  const { state, exitCode, reason } = resultOf(plan, attempt)
  const job = {
    id,
    state,
    exitCode,
    reason,
    attempt,
    tries: attempt - 1,
    phases: [],
    steps: [
      { name: 'work', ...step },
      { name: 'close', ...step, exitCode },
    ],
    ...more,
  } as unknown as Job
  const change = (state: string, attempt: number, actor: string): Change => ({
    job: id,
    state,
    attempt,
    actor,
    reason: '',
    at: 1000,
  })
  const changes: Change[] = [change('pending', 0, 'enqueue')]
  const log: LogEntry[] = []
  for (let n = 1; n <= attempt; n++) {
    changes.push(
      change('running', n, `a${n}`),
      n === attempt ? change(job.state, n, `a${n}`) : change('pending', n, 'supervisor'),
    )
    log.push(...aLog(plan, n, n === attempt ? job.state : 'lost'))
  }
  return { id, plan, job, changes, log, cut: {}, began: { [attempt]: 1 }, ended: { [attempt]: 1 }, deleted: false }
}

export const facts = (job: JobFacts, more: Partial<Facts> = {}): Facts => ({
  max: 4,
  logBound: 100_000,
  acknowledged: [{ plan: job.plan, ids: [job.id] }],
  jobs: [job],
  strangers: [],
  samples: [],
  agents: [],
  left: [],
  ...more,
})
