import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { aCommit, aResult, aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startRedis('--appendfsync', 'no')
  redis = server.client()
})
afterAll(() => server.stop())
beforeEach(async () => {
  await redis.config('SET', 'maxmemory', '0')
  await redis.flushall()
})

async function waiting(n: number, limits = {}) {
  const all = roles(redis, limits)
  const ids: string[] = []
  for (let i = 0; i < n; i++) ids.push((await all.jobs.enqueue(aSpec({ commit: aCommit(i) }))).id)
  return { ...all, ids, a: all.agent('a') }
}

test('a report that a broken network brings a second time, when the agent has gone on, takes nothing from anybody', async () => {
  const { ids, a, reader } = await waiting(4)
  await a.claim('t0', 'default')
  await a.finishAndClaim(ids[0]!, 't0', aResult(), 't1', 'default')
  await a.finishAndClaim(ids[1]!, 't1', aResult(), 't2', 'default')
  const late = await a.finishAndClaim(ids[0]!, 't0', aResult(), 't1', 'default')
  expect(late).toEqual({ state: 'success', claimed: { kind: 'gone' } })
  expect(await a.beat(ids[2]!, 't2')).toBe('ok')
  expect(await reader.job(ids[3]!)).toMatchObject({ state: 'pending', attempt: 0 })
})

test('neither does it when the agent has gone, or its next job was given back and is another’s', async () => {
  const { ids, a, agent, keeper, reader } = await waiting(3)
  await a.claim('t0', 'default')
  await a.finishAndClaim(ids[0]!, 't0', aResult(), 't1', 'default')
  await keeper.release('a', 'killed', 'test')
  expect(await agent('b').claim('b', 'default')).toMatchObject({ job: { id: ids[1], attempt: 2 } })
  const late = await a.finishAndClaim(ids[0]!, 't0', aResult(), 't1', 'default')
  expect(late).toEqual({ state: 'success', claimed: { kind: 'gone' } })
  expect(await agent('b').beat(ids[1]!, 'b')).toBe('ok')
  expect(await reader.job(ids[2]!)).toMatchObject({ state: 'pending' })
  expect(await redis.hkeys(keys.agents)).toEqual(['b'])
})

test('an accepted report is no error when Redis is full and a delayed job is due: the agent asks anew', async () => {
  const { ids, a, agent, reader } = await waiting(2, { backoff: 1 })
  await a.claim('t0', 'default')
  for (const token of ['b0', 'b1']) {
    await agent('b').claim(token, 'default')
    await agent('b').release(token, 'lost', 'killed')
  }
  await waitFor('it is due', async () => (await reader.job(ids[1]!))!.dueAt! < Date.now())
  await redis.config('SET', 'maxmemory', '1')
  const report = await a.finishAndClaim(ids[0]!, 't0', aResult(), 't1', 'default')
  expect(report).toEqual({ state: 'success', claimed: { kind: 'gone' } })
})
