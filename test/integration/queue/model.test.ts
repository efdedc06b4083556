import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keys } from '#lib/queue/keys.ts'
import { QueueModel } from '#test/helpers/queue-model.ts'
import { aCommit, aResult, aSpec, roles, threeViews } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'

let server: TestRedis
let clients: Redis[]
beforeAll(async () => {
  server = await startRedis('--appendfsync', 'no')
  clients = [server.client(), server.client(), server.client()]
})
afterAll(() => server.stop())

const agents = ['a', 'b', 'c']
const small = fc.nat({ max: 5 })
/** `twice`: the first reply was lost, and the client sends the same again. */
const op = fc.record({
  kind: fc.constantFrom(
    'enqueue',
    'hold',
    'claim',
    'claim',
    'beat',
    'log',
    'finish',
    'fail',
    'finish and claim',
    'release',
    'drain',
    'lapse',
    'cancel',
    'retry',
    'admit',
    'tend',
    'audit',
  ),
  client: fc.nat({ max: 2 }),
  who: fc.nat({ max: 2 }),
  job: small,
  stale: fc.boolean(),
  twice: fc.boolean(),
})
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never

const limits = { lease: 60_000, backoff: 0 }

async function play(ops: Op[]): Promise<void> {
  await clients[0]!.flushall()
  // no lease in this test ends by time: without this mark the first minute would be a grace after an absence
  await clients[0]!.hset(keys.clock, { seen: Date.now(), grace: 0 })
  const model = new QueueModel()
  const order: string[] = []
  let count = 0
  for (const { kind, client, who, job, stale, twice } of ops) {
    const { jobs, agent, keeper } = roles(clients[client]!, limits)
    const name = agents[who]!
    const id = order[job % Math.max(1, order.length)]
    const known = id === undefined ? undefined : model.jobs.get(id)
    const held = model.agents.get(name)
    const token = stale ? 'a token of long ago' : known?.token || 'none'
    const repeat = async <T>(call: () => Promise<T>): Promise<T> => {
      const first = await call()
      if (twice) expect(await call()).toEqual(first)
      return first
    }
    switch (kind) {
      case 'enqueue':
      case 'hold': {
        const fresh = `01MODEL${String(++count).padStart(19, '0')}`
        const options = { id: fresh, ...(kind === 'hold' && { hold: 'approval' }) }
        const real = await repeat(() => jobs.enqueue(aSpec({ commit: aCommit(job) }), options))
        const wanted = model.enqueue(fresh, aCommit(job), kind === 'hold')
        expect(real).toMatchObject(wanted)
        if (!order.includes(wanted.id)) order.push(wanted.id)
        break
      }
      case 'claim': {
        const fresh = stale && held ? held.token : `token ${++count}`
        const real = await repeat(() =>
          agent(name)
            .claim(fresh, 'default')
            .then((claimed) => (claimed.kind === 'job' ? claimed.job.id : claimed.kind)),
        )
        // with no back-off a delay is over at once, so a claim that finds nothing waiting tends first
        let wanted = model.claim(name, fresh)
        if (wanted === 'idle' && [...model.jobs.values()].some((one) => one.state === 'delayed')) {
          model.tend()
          wanted = model.claim(name, fresh)
        }
        expect(real).toBe(wanted)
        break
      }
      case 'beat':
        if (known) expect(await repeat(() => agent(known.agent || name).beat(known.id, token))).toBe(model.beat(known.id, token))
        break
      case 'log':
        if (known)
          expect(
            await repeat(() =>
              agent(name).log(known.id, token, [{ seq: ++count, kind: 'out', step: 0, text: 'x\n', lines: 1, line: 0 }]),
            ),
          ).toBe(model.beat(known.id, token))
        break
      case 'finish':
      case 'fail': {
        const state = kind === 'finish' ? 'success' : 'failed'
        if (known)
          expect(await repeat(() => agent(name).finish(known.id, token, aResult({ state })))).toBe(
            model.finish(known.id, token, state),
          )
        break
      }
      case 'finish and claim': {
        if (!known) break
        // an agent reports what it holds itself
        const by = known.agent || name
        const next = `token ${++count}`
        const real = await repeat(() =>
          agent(by)
            .finishAndClaim(known.id, token, aResult(), next, 'default')
            .then(({ state, claimed }) => [state, claimed.kind === 'job' ? claimed.job.id : claimed.kind]),
        )
        const accepted = known.state === 'running' && known.token === token
        const state = model.finish(known.id, token, 'success')
        // only a report that is accepted brings a job
        const wanted = accepted ? model.claim(by, next) : 'gone'
        const tend = wanted === 'idle' && [...model.jobs.values()].some((one) => one.state === 'delayed')
        expect(real).toEqual([state, tend ? 'gone' : wanted])
        break
      }
      case 'release':
        expect(await keeper.release(name, 'killed', 'test')).toBe(model.release(name, '', false))
        if (twice) expect(await keeper.release(name, 'killed', 'test')).toBe('none')
        break
      case 'drain':
        expect(await agent(name).release(held?.token ?? 'none', 'drained', 'x')).toBe(
          model.release(name, held?.token ?? 'none', true),
        )
        break
      case 'lapse':
        if (known?.state === 'running') {
          await clients[0]!.zadd('ci-due', 'XX', Date.now() - 1, known.id)
          await keeper.tend()
          model.tend()
          model.lose(known, false)
        }
        break
      case 'cancel':
        if (known) {
          const { before, after } = await jobs.cancel(known.id)
          expect([before, after]).toEqual(model.cancel(known.id))
        }
        break
      case 'retry':
        if (known) {
          const asked = `request ${++count}`
          const { before, done } = await jobs.retry(known.id, asked)
          expect([before, done]).toEqual(model.retry(known.id))
          if (twice && done) expect(await jobs.retry(known.id, asked)).toMatchObject({ done: true })
        }
        break
      case 'admit':
        if (known) expect(await repeat(() => jobs.admit(known.id))).toBe(model.admit(known.id))
        break
      case 'tend':
        await keeper.tend()
        model.tend()
        break
      case 'audit':
        expect(await keeper.audit()).toBe(0)
    }
    await compare(model)
  }
}

async function compare(model: QueueModel): Promise<void> {
  const redis = clients[0]!
  const all = [...model.jobs.values()]
  const real = await roles(redis).reader.jobsOf(all.map((job) => job.id))
  expect(real.map(({ id, state, attempt, tries, cancelled }) => ({ id, state, attempt, tries, cancelled }))).toEqual(
    all.map(({ id, state, attempt, tries, cancelled }) => ({ id, state, attempt, tries, cancelled })),
  )
  const ids = (...states: string[]): string[] =>
    all
      .filter((job) => states.includes(job.state))
      .map((job) => job.id)
      .toSorted()
  const views = await threeViews(redis)
  expect({ line: views.line, stream: views.stream, delayed: views.delayed }).toEqual({
    line: ids('pending', 'running'),
    stream: ids('pending', 'running'),
    delayed: ids('delayed'),
  })
  expect(await redis.zrange(keys.held, '0', '-1')).toEqual(
    all
      .filter((job) => job.state === 'held')
      .sort((a, b) => a.seq - b.seq)
      .map((job) => job.id),
  )
  expect(views.group.toSorted()).toEqual(
    all
      .filter((job) => job.state === 'running')
      .map((job) => [job.id, job.agent])
      .toSorted(),
  )
  for (const state of ['success', 'failed', 'cancelled', 'dead'])
    expect((await redis.zrange(keys.state(state), '0', '-1')).toSorted()).toEqual(ids(state))
}

test('random interleavings of all transitions by three clients do what the model says', { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 80, size: 'max' }), play), {
    numRuns: Number(process.env['RAIBID_MODEL_RUNS'] ?? 150),
  })
})
