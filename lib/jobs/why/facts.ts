/** Gathers what `why` is told from. */
import { runningPool } from '#lib/pool/state.ts'
import { localLimits } from '#lib/pool/local-limits.ts'
import { poolNotes } from '#lib/queue/notes.ts'
import { isFinal, type Job } from '#lib/queue/types.ts'
import { firstErrors } from '../first-errors.ts'
import { failingStep, outputOf } from '../failure.ts'
import type { Open } from '../open.ts'

/** What is known beside the job itself. Times and durations in ms. */
export interface Facts {
  now: number
  /** Jobs that are before it in its pool's line; null when it does not wait there. */
  before: number | null
  /** Jobs that run in its pool. */
  running: Job[]
  pool: {
    /** null: the pool is not of this machine. */
    max: number | null
    /** Why no agent is started; null: nothing keeps it. */
    paused: string | null
    /** What is wrong, by whoever watches it. */
    trouble: string | null
    /** Nobody starts agents. */
    down: boolean
  }
  /** Earlier successes of the same build, the newest first: what is usual. */
  earlier: Job[]
  /** First error lines of the step that failed. */
  errors: string[]
}

const usualFrom = 10

/** All facts for one job. Costs the same however long the history is. */
export async function factsOf(
  { config, reader, redis }: Pick<Open, 'config' | 'reader' | 'redis'>,
  job: Job,
  now = Date.now(),
): Promise<Facts> {
  const waits = job.state === 'pending'
  const [before, running, notes, builds, errors] = await Promise.all([
    waits ? reader.before(job) : null,
    waits ? reader.running(job.pool) : [],
    poolNotes(redis),
    earlierBuilds(),
    failureOf(),
  ])
  const limits = localLimits(config, job.pool)
  const pool = {
    max: limits?.max ?? null,
    paused: limits?.paused ?? null,
    trouble: notes.find((note) => note.pool === job.pool)?.text ?? null,
    down: !config.redisGiven && !config.cluster && runningPool(config.home) === null,
  }
  return { now, before, running, pool, earlier: builds, errors }

  async function earlierBuilds(): Promise<Job[]> {
    const wanted = waits ? [] : [job.repo]
    // what is usual for those that run says when one of them will be free
    if (waits) wanted.push(...(await reader.running(job.pool)).slice(0, 8).map(({ repo }) => repo))
    const lists = await Promise.all(
      [...new Set(wanted)].map((repo) => reader.jobs({ states: ['success'], repo, limit: usualFrom })),
    )
    return lists.flat().filter((one) => one.id !== job.id)
  }

  async function failureOf(): Promise<string[]> {
    const at = failingStep(job)
    if (at === null || !isFinal(job.state) || job.state === 'cancelled') return []
    return firstErrors(await outputOf(redis, job, at))
  }
}
