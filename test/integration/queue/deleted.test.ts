import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = server.client()
})
afterAll(() => server.stop())
beforeEach(() => redis.flushall())

/** Everything but what belongs to no job. */
async function left(): Promise<string[]> {
  const found: string[] = []
  for (const key of (await redis.keys('*')).sort()) {
    if ([keys.seq, keys.clock, keys.events, keys.agents].includes(key as never)) continue
    if (key === keys.stream('default') && (await redis.xlen(key)) === 0) continue
    if (key === keys.logBytes && (await redis.get(key)) === '0') continue
    found.push(key)
  }
  return found
}

test('a waiting job whose record is deleted leaves nothing: no index, no key, no group', async () => {
  const { jobs, agent } = roles(redis)
  const { id } = await jobs.enqueue(aSpec())
  await redis.del(keys.job(id))
  expect(await agent('a').claim('t', 'default')).toMatchObject({ kind: 'idle' })
  expect(await left()).toEqual([])
})

test('a running one leaves nothing either, and its log no longer counts', async () => {
  const { jobs, agent, keeper } = roles(redis, { lease: 200 })
  const { id } = await jobs.enqueue(aSpec())
  await agent('a').claim('t', 'default')
  const text = 'x'.repeat(1000)
  await agent('a').log(id, 't', [{ seq: 1, kind: 'out', step: 0, text, lines: 0, line: 0 }])
  await redis.del(keys.job(id))
  expect(await agent('a').beat(id, 't')).toBe('lost')
  await waitFor('the end of its lease', async () => (await keeper.tend(), (await redis.zcard(keys.due('default'))) === 0))
  expect(await left()).toEqual([])
})
