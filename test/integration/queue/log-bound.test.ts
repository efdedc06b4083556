import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { createShipper } from '#agent/shipper.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { aResult, aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = server.client()
})
afterAll(() => server.stop())
beforeEach(() => redis.flushall())

test.each([20_000, 96 * 1024, 300_000])(
  'of a log above a bound of %i bytes head and tail are kept, and no more',
  async (bound) => {
    const { jobs, agent } = roles(redis, { logJob: bound })
    const { id } = await jobs.enqueue(aSpec())
    const a = agent('a')
    await a.claim('t', 'default')
    const shipper = createShipper({
      append: (chunks, now) => a.log(id, 't', chunks, now),
      secrets: [],
      onAnswer: () => {},
      logBytes: bound,
    })
    // pieces of the sizes that came from a real pipe: the second crosses the middle of the bound, and is as large as a piece can be
    let line = 0
    for (const size of [0.46, 0.67, 0.24, 0.4].map((part) => part * bound)) {
      let text = ''
      while (text.length < size) text += `line ${line++} ${'x'.repeat(50)}\n`
      await shipper.write(1, text)
      await shipper.flush()
    }
    await a.finish(id, 't', aResult())
    const entries = await Array.fromAsync(followLog(redis, id))
    const text = entries.map((entry) => (entry.kind === 'out' ? entry.text : '')).join('')
    expect(text.length).toBeLessThanOrEqual(bound)
    expect(text.length).toBeGreaterThan(bound * 0.75)
    expect(text.startsWith('line 0 ')).toBe(true)
    expect(text.includes(`line ${line - 1} `), 'the last line').toBe(true)
  },
)
