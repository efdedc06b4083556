import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { aResult, aSpec, roles, threeViews } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startRedis('--appendfsync', 'no')
  redis = server.client()
})
afterAll(() => server.stop())
beforeEach(() => redis.flushall())

const id = '01EARLIER00000000000000001'
const { repo, pool, timeoutMs, env, secrets, ...what } = aSpec({ env: { LEVEL: '2' }, timeoutMs: 5000 })

/** A waiting job as it was enqueued before there was a field `spec`: every field by itself, the group a set, the default key a string. */
async function earlierJob(): Promise<void> {
  const { jobs } = roles(redis)
  const { id: now } = await jobs.enqueue(aSpec())
  const group = (await redis.hget(keys.job(now), 'group'))!
  await redis.flushall()
  const common = { key: 'b:1', mode: 'open', group }
  await redis.xgroup('CREATE', keys.stream(pool), 'ci-workers', '0', 'MKSTREAM')
  const entry = (await redis.xadd(keys.stream(pool), '*', ...Object.entries({ id, repo, ...common }).flat()))!
  const build = { repo, pool, ...what, timeoutMs, env: JSON.stringify(env), secrets: JSON.stringify(secrets) }
  const empty = { reason: '', attempt: 0, tries: 0, token: '', agent: '', cancelled: 0 }
  const keyed = { key: 'b:1', keyMode: 'open', group }
  await redis.hset(keys.job(id), { state: 'pending', seq: 1, entry, createdAt: 1, queuedAt: 1, ...empty, ...keyed, ...build })
  await redis.zadd(keys.due(pool), 1, id)
  await redis.set(keys.seq, 1)
  await redis.sadd(`ci-open:${group}`, id)
  await redis.set(keys.key('b:1'), id)
}

test('a job enqueued by an earlier version is built as it was asked for', async () => {
  await earlierJob()
  const { agent, reader } = roles(redis)
  const claimed = await agent('a').claim('t', pool)
  expect(claimed).toMatchObject({ kind: 'job', job: { id, repo, ...what, timeoutMs, env, secrets, sealed: '', attempt: 1 } })
  expect(await agent('a').finish(id, 't', aResult())).toBe('success')
  expect(await reader.job(id)).toMatchObject({ state: 'success', commit: what.commit })
  expect(await threeViews(redis)).toEqual({ line: [], delayed: [], stream: [], group: [] })
})

test('while it waits, the same repository can be enqueued, superseding or not, and it can be cancelled and retried', async () => {
  await earlierJob()
  const { jobs, reader } = roles(redis)
  await jobs.enqueue(aSpec())
  await jobs.enqueue(aSpec({ commit: 'b'.repeat(40) }), { supersede: true })
  expect(await jobs.cancel(id)).toEqual({ before: 'pending', after: 'cancelled' })
  expect(await jobs.retry(id)).toEqual({ before: 'cancelled', done: true })
  expect(await reader.job(id)).toMatchObject({ state: 'pending' })
})
