import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { startProxy, type Proxy, type Verdict } from '#lib/chaos/proxy.ts'
import { callOf, jobIn } from '#lib/chaos/victims.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let server: TestRedis
let proxy: Proxy
let through: Redis
let direct: Redis
beforeAll(async () => {
  server = await startRedis()
  direct = server.client()
})
afterAll(() => server.stop())
beforeEach(async () => {
  await direct.flushall()
  proxy = await startProxy({ host: '127.0.0.1', port: server.port })
  through = connectLasting(`redis://127.0.0.1:${proxy.port}`, { silentMs: 500 })
})
afterEach(async () => {
  through.disconnect()
  await proxy.close()
})

test('what goes through is what was sent, in order, however late', async () => {
  proxy.delay(40)
  const begun = performance.now()
  const big = 'x'.repeat(300_000)
  await Promise.all([through.set('a', big), through.append('a', 'y'), through.append('a', 'z')])
  expect(await direct.get('a')).toBe(`${big}yz`)
  expect(performance.now() - begun).toBeGreaterThan(80)
})

test('a client outlives a cut, a half-close to either side, a silence and a refusal', async () => {
  await through.incr('n')
  proxy.cut()
  await through.incr('n')
  proxy.halfClose('client')
  await through.incr('n')
  proxy.halfClose('server')
  await through.incr('n')
  for (const mode of ['refuse', 'silent'] as const) {
    proxy.set(mode)
    const pending = through.incr('n')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await Promise.race([pending, Promise.resolve('nothing')])).toBe('nothing')
    proxy.set('pass')
    await pending
  }
  expect(Number(await direct.get('n'))).toBeGreaterThanOrEqual(6)
})

test('a lost reply: the script has run once, its client asks again and gets the same answer', async () => {
  const call = callOf('enqueue')
  let [lost, seen] = [0, 0]
  proxy.watch((piece) => (call(piece) >= 0 && ++seen && lost++ === 0 ? 'lose-reply' : 'forward'))
  const { id } = await roles(through).jobs.enqueue(aSpec(), { id: '01J00000000000000000000000' })
  expect([id, seen, await direct.xlen('ci-jobs')]).toEqual(['01J00000000000000000000000', 2, 1])
})

test('a request that is held has not run; the job it is about is known', async () => {
  const { jobs, agent } = roles(through)
  const { id } = await jobs.enqueue(aSpec())
  await agent('a').claim('t', 'default')
  const call = callOf('finish')
  let [held, go]: [string | null, () => void] = [null, () => {}]
  const gate = new Promise<void>((resolve) => (go = resolve))
  proxy.watch(async (piece): Promise<Verdict> => {
    held ??= jobIn(piece, call)
    if (jobIn(piece, call)) await gate
    return 'forward'
  })
  const finishing = agent('a').finish(id, 't', { state: 'success', reason: '', exitCode: 0, phases: [], steps: [] })
  await waitFor('the result on its way', () => held)
  expect([held, await direct.hget(`job:${id}`, 'state')]).toEqual([id, 'running'])
  go()
  expect(await finishing).toBe('success')
})
