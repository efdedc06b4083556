import { afterAll, beforeAll, expect } from 'vitest'
import { keys } from '#lib/queue/keys.ts'
import { queueSince } from '#lib/queue/since.ts'
import { ulid } from '#lib/ulid.ts'
import { needs } from '#test/helpers/needs.ts'
import { aCommit, aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'

needs('redis-server').describe('since when a queue is', () => {
  let server: TestRedis
  beforeAll(async () => void (server = await startRedis()))
  afterAll(() => server.stop())

  needs().test('a new one is as old as the first look; one that lost its data is a new one', async () => {
    const redis = server.client()
    const begin = Math.floor(Date.now() / 1000) * 1000
    const since = await queueSince(redis)
    expect(since).toBeGreaterThanOrEqual(begin - 1000)
    await redis.set(keys.since, 5)
    expect(await queueSince(redis)).toBe(5)
    await redis.flushall()
    expect(await queueSince(redis)).toBeGreaterThanOrEqual(since)
  })

  needs().test('one that nobody has looked at is as old as its oldest job', async () => {
    const redis = server.client()
    await redis.flushall()
    const { jobs } = roles(redis)
    const at = Date.now() - 86_400_000
    await jobs.enqueue(aSpec({ commit: aCommit(1) }), { id: ulid(at) })
    await jobs.enqueue(aSpec({ commit: aCommit(2) }), { id: ulid() })
    expect(await queueSince(redis)).toBe(at)
  })
})
