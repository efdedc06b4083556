import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { aCommit, aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'

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

const many = (n: number) => Array.from({ length: n }, (_, i) => ({ spec: aSpec({ commit: aCommit(i) }) }))

test('one invalid job among thousands: nothing is stored', async () => {
  const { jobs } = roles(redis)
  for (const more of [{ commit: 'none' }, { pool: 'none' }])
    await expect(jobs.enqueueMany(many(5000).with(2500, { spec: aSpec(more) }))).rejects.toThrow(/commit id|there is no pool/)
  expect(await redis.dbsize()).toBe(0)
})

test('a push supersedes however many wait', async () => {
  const { jobs } = roles(redis)
  await jobs.enqueueMany(many(8100))
  const { superseded, id } = await jobs.enqueue(aSpec(), { supersede: true })
  expect(superseded).toHaveLength(8100)
  expect(await redis.zrange(keys.due('default'), '0', '-1')).toEqual([id])
})

test('half a surrogate pair, as a forge may send it, keeps nobody from superseding the job', async () => {
  const { jobs, reader } = roles(redis)
  const { id } = await jobs.enqueue(aSpec({ env: { WHO: 'x\ud83e' } }), { about: { message: '\udd8a' } })
  expect(await reader.job(id)).toMatchObject({ env: { WHO: 'x\ufffd' } })
  expect(await jobs.enqueue(aSpec({ commit: aCommit(1) }), { supersede: true })).toMatchObject({ superseded: [id] })
})

test('a Redis that gets full on the way: the error tells how many are stored', async () => {
  const { jobs } = roles(redis)
  await jobs.enqueueMany(many(100))
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
  await redis.config('SET', 'maxmemory', String(used + 2_500_000))
  const error = await jobs.enqueueMany(many(5000)).catch((thrown: Error) => thrown)
  const waiting = await redis.zcard(keys.due('default'))
  expect(waiting).toBeLessThan(5000)
  expect((error as Error).message).toContain(`is full, so only ${waiting} of 5000 jobs were enqueued`)
})

test('a pool may be called whatever raibid.yaml lets it be called', async () => {
  const { jobs, agent } = roles(redis, {}, ['3d'])
  const { id } = await jobs.enqueue(aSpec({ pool: '3d' }))
  expect(await agent('a').claim('t', '3d')).toMatchObject({ kind: 'job', job: { id } })
})
