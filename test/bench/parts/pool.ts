import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { files } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import { notedAgents, notes } from '#lib/pool/state.ts'
import { followLog, type LogEntry } from '#lib/queue/log-reader.ts'
import { producer, type Producer } from '#lib/queue/producer.ts'
import { reader, type Reader } from '#lib/queue/reader.ts'
import { isFinal, type Job, type JobSpec } from '#lib/queue/types.ts'
import { ulid } from '#lib/ulid.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import type { TestRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'
import type { Scratch } from './scratch.ts'
import { cpuMs } from './usage.ts'

export interface BenchPool extends TestPool {
  jobs: Producer
  look: Reader
  /** A connection that may block. */
  tail: Redis
  warm: number
  signal: AbortSignal
  redisUrl: () => string
}

/** A local pool in a process of its own, started as a user starts it, with nothing of the caller's own installation in it. */
export async function benchPool(
  open: Scratch,
  size: { max: number; warm: number },
  env: NodeJS.ProcessEnv = {},
): Promise<BenchPool> {
  const pool = await testPool({ RAIBID_REDIS_URL: '', ...env })
  open.onClose(pool.close)
  await pool.up('--max', String(size.max), '--warm', String(size.warm))
  const redis = pool.client()
  return Object.assign(pool, {
    jobs: producer(redis, {}, ['default', 'other']),
    look: reader(redis),
    tail: pool.redis(),
    warm: size.warm,
    signal: open.signal,
    redisUrl: () => readFileSync(join(pool.home, files.redisUrl), 'utf8').trim(),
  })
}

export const specOf = (repo: Pick<TestRepo, 'path' | 'commit'>, more: Partial<JobSpec> = {}): JobSpec => ({
  repo: repo.path,
  branch: 'main',
  commit: repo.commit,
  pipeline: 'auto',
  pool: 'default',
  timeoutMs: 0,
  env: {},
  secrets: [],
  ...more,
})

/** Puts a job on the queue, also when the same build is there already. */
export async function enqueue(pool: BenchPool, spec: JobSpec): Promise<string> {
  const id = ulid()
  await pool.jobs.enqueue(spec, { id, key: id })
  return id
}

/** Follows a job to its end, as `tail` does. RaibidError, with its log, unless it is a success. */
export async function followed(pool: BenchPool, id: string, onEntry: (entry: LogEntry) => void = () => {}): Promise<Job> {
  for await (const entry of followLog(pool.tail, id, { live: true, signal: pool.signal })) onEntry(entry)
  pool.signal.throwIfAborted()
  const job = await pool.look.job(id)
  if (job?.state === 'success') return job
  const log = (await pool.log(id)).trimEnd().split('\n').slice(-40).join('\n')
  throw new RaibidError(`a measured job ended as ${job?.state}: ${job?.reason}; the end of its log:\n${log}`)
}

/** From the call of enqueue to the first line that holds `text` in a live reader's hand, ms; the job has then been followed to its end. */
export async function untilLine(pool: BenchPool, spec: JobSpec, text: string): Promise<number> {
  const begin = performance.now()
  const id = await enqueue(pool, spec)
  let seen = 0
  await followed(pool, id, (entry) => {
    if (!seen && entry.kind === 'out' && entry.text.includes(text)) seen = performance.now()
  })
  if (!seen) throw new Error(`the line ${JSON.stringify(text)} never came`)
  return seen - begin
}

/** Waits until the pool rests: no agent but the warm ones, and those wait for work; the spare is ready. */
export async function rest(pool: BenchPool): Promise<void> {
  await waitFor('the pool to rest', async () => {
    const noted = notedAgents(pool.home).map(({ name }) => name)
    const idle = (await pool.look.agents()).filter(({ agent, job }) => !job && noted.includes(agent))
    const spare = notes(pool.home).some((note) => note.spare === 'ready')
    return noted.length === pool.warm && idle.length === pool.warm && spare
  })
  // the last to come has yet to go to sleep: a warm agent rehearses first, as it would long before a job comes
  const used = (): number => Math.round(notes(pool.home).reduce((sum, { pid }) => sum + cpuMs(pid), cpuMs(pool.supervisor()!)))
  await waitFor('the pool to sleep', async () => {
    const before = used()
    await new Promise((resolve) => setTimeout(resolve, 100))
    return used() - before <= 2
  })
}

/** Waits until all these jobs have ended, each with success. */
export const allEnded = (pool: BenchPool, ids: readonly string[]): Promise<Job[]> =>
  waitFor<Job[] | null>(
    `the end of ${ids.length} jobs`,
    async () => {
      const jobs = await pool.look.jobsOf(ids)
      return jobs.every((job) => isFinal(job.state)) ? jobs : null
    },
    120_000,
  )
