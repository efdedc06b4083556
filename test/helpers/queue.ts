import type { Redis } from 'ioredis'
import { keeper } from '#lib/queue/keeper.ts'
import { keys } from '#lib/queue/keys.ts'
import type { Limits } from '#lib/queue/limits.ts'
import { producer } from '#lib/queue/producer.ts'
import { reader } from '#lib/queue/reader.ts'
import type { JobSpec } from '#lib/queue/types.ts'
import { worker, type Result } from '#lib/queue/worker.ts'

export const aSpec = (more: Partial<JobSpec> = {}): JobSpec => ({
  repo: '/srv/app',
  branch: 'main',
  commit: 'a'.repeat(40),
  pipeline: 'auto',
  pool: 'default',
  timeoutMs: 0,
  env: {},
  secrets: [],
  ...more,
})

export const aCommit = (n: number): string => n.toString(16).padStart(40, '0')

export const aResult = (more: Partial<Result> = {}): Result => ({
  state: 'success',
  reason: '',
  exitCode: 0,
  phases: [],
  steps: [],
  ...more,
})

/** All roles on one connection. */
export function roles(redis: Redis, limits: Partial<Limits> = {}, pools = ['default']) {
  return {
    jobs: producer(redis, limits, pools),
    agent: (name: string) => worker(redis, name, limits),
    keeper: keeper(redis, () => pools, limits),
    reader: reader(redis),
  }
}

/** The ids of a pool as the line, the stream and the group each have them: in a sound queue the first two are the same set. */
export async function threeViews(redis: Redis, pool = 'default') {
  const line = await redis.zrange(keys.due(pool), '0', '-1')
  const states = await Promise.all(line.map((id) => redis.hget(keys.job(id), 'state')))
  const entries = await redis.xrange(keys.stream(pool), '-', '+')
  const pending = (await redis.exists(keys.stream(pool)))
    ? ((await redis.xpending(keys.stream(pool), 'ci-workers', '-', '+', 1000)) as [string, string][])
    : []
  return {
    line: line.filter((_, i) => states[i] !== 'delayed').toSorted(),
    delayed: line.filter((_, i) => states[i] === 'delayed').toSorted(),
    stream: entries.map(([, fields]) => fields[1]!).toSorted(),
    group: pending.map(([entry, consumer]) => [entries.find(([id]) => id === entry)?.[1][1] ?? 'gone', consumer]),
  }
}
