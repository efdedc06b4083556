import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { followLog, type LogEntry } from '#lib/queue/log-reader.ts'
import { aCommit, aResult, aSpec, roles, threeViews } from '#test/helpers/queue.ts'
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

async function running(limits = {}) {
  const all = roles(redis, limits)
  const { id } = await all.jobs.enqueue(aSpec())
  await all.agent('a').claim('t', 'default')
  return { ...all, id, a: all.agent('a') }
}
const line = (seq: number, text = `line ${seq}\n`) => ({ seq, kind: 'out' as const, step: 0, text, lines: 1, line: seq - 1 })
async function whole(id: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of followLog(redis, id)) entries.push(entry)
  return entries
}
const texts = (entries: LogEntry[]) =>
  entries.map((entry) => (entry.kind === 'out' ? entry.text : entry.kind === 'cut' ? `cut ${entry.lines}` : entry.kind))

describe('the log', () => {
  test('repeats are passed over, order is kept, the end is marked', async () => {
    const { id, a } = await running()
    await a.log(id, 't', [line(1), line(2)])
    await a.log(id, 't', [line(1), line(2), line(3)])
    await a.finish(id, 't', aResult())
    expect(texts(await whole(id))).toEqual(['start', 'line 1\n', 'line 2\n', 'line 3\n', 'end'])
    expect(await a.log(id, 't', [line(4)])).toBe('lost')
  })

  test('an attempt that was lost keeps its lines, marked, before those of the next', async () => {
    const { id, a, keeper, agent } = await running()
    await a.log(id, 't', [line(1)])
    await keeper.release('a', 'killed', 'test')
    await agent('b').claim('u', 'default')
    await agent('b').log(id, 'u', [line(1, 'again\n')])
    await agent('b').finish(id, 'u', aResult())
    expect((await whole(id)).map((entry) => [entry.attempt, entry.kind])).toEqual([
      [1, 'start'],
      [1, 'out'],
      [1, 'end'],
      [2, 'start'],
      [2, 'out'],
      [2, 'end'],
    ])
  })

  test('above the budget head and tail stay, and the cut is stated to the line', async () => {
    const { id, a, reader } = await running({ logJob: 1000 })
    for (let seq = 1; seq <= 500; seq++) await a.log(id, 't', [line(seq)])
    const entries = await whole(id)
    const shown = entries.filter((entry) => entry.kind === 'out')
    const cut = entries.find((entry) => entry.kind === 'cut')
    expect(texts(entries).slice(0, 3)).toEqual(['start', 'line 1\n', 'line 2\n'])
    expect(texts(entries).at(-1)).toBe('line 500\n')
    expect(shown.length + (cut?.kind === 'cut' ? cut.lines : 0)).toBe(500)
    expect(shown.reduce((sum, entry) => sum + (entry.kind === 'out' ? entry.text.length : 0), 0)).toBeLessThanOrEqual(1000)
    expect((await reader.job(id))?.logCut.lines).toBe(500 - shown.length)
    expect(Number(await redis.get('ci-log-bytes'))).toBeLessThanOrEqual(1000)
  })

  test('each attempt has the budget of its own', async () => {
    const { id, a, keeper, agent } = await running({ logJob: 1000 })
    for (let seq = 1; seq <= 300; seq++) await a.log(id, 't', [line(seq)])
    await keeper.release('a', 'killed', 'test')
    const b = agent('b')
    await b.claim('u', 'default')
    for (let seq = 1; seq <= 50; seq++) await b.log(id, 'u', [line(seq)])
    await b.finish(id, 'u', aResult())
    expect(texts((await whole(id)).filter((entry) => entry.attempt === 2 && entry.kind === 'out'))).toHaveLength(50)
  })

  test('a live reader gets each line as it comes, over all attempts, and ends with the job', async () => {
    const { id, a } = await running()
    const seen: string[] = []
    const reading = (async () => {
      for await (const entry of followLog(server.client(), id, { live: true }))
        seen.push(entry.kind === 'out' ? entry.text : entry.kind)
    })()
    for (let seq = 1; seq <= 3; seq++) {
      await a.log(id, 't', [line(seq)])
      await waitFor(`line ${seq}`, () => seen.includes(`line ${seq}\n`))
    }
    await a.finish(id, 't', aResult())
    await reading
    expect(seen).toEqual(['start', 'line 1\n', 'line 2\n', 'line 3\n', 'end'])
  })

  test('a reader of a job cancelled before its first claim ends', async () => {
    const { jobs } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    await jobs.cancel(id)
    expect((await whole(id)).map((entry) => entry.kind)).toEqual(['end'])
    await jobs.retry(id)
    await jobs.cancel(id)
    for await (const entry of followLog(server.client(), id, { live: true })) expect(entry.kind).toBe('end')
  })

  test('above the budget of all logs, finished ones make room, and say so', async () => {
    const { id, a, keeper, reader } = await running({ logAll: 500 })
    await a.log(id, 't', [line(1, 'x'.repeat(600) + '\n')])
    await keeper.clean()
    expect((await reader.job(id))?.logCut.bytes).toBe(0) // never under a job that runs
    await a.finish(id, 't', aResult())
    expect(await keeper.clean()).toMatchObject({ logs: 1 })
    expect((await reader.job(id))?.logCut).toEqual({ lines: 1, bytes: 601 })
    expect(await redis.get('ci-log-bytes')).toBe('0')
  })
})

describe('the keeper', () => {
  test('the audit mends both ways, and finds nothing in a sound queue', async () => {
    const { jobs, keeper } = roles(redis)
    for (let n = 0; n < 450; n++) await jobs.enqueue(aSpec({ commit: aCommit(n) }))
    expect(await keeper.audit()).toBe(0)
    const [first] = await redis.xrange('ci-jobs', '-', '+', 'COUNT', 1)
    await redis.xdel('ci-jobs', first![0])
    await redis.xadd('ci-jobs', '*', 'id', 'nobody')
    await redis.del(keys.job((await redis.zrange('ci-due', '440', '440'))[0]!))
    expect(await keeper.audit()).toBe(3)
    expect(await keeper.audit()).toBe(0)
    const { line: due, stream } = await threeViews(redis)
    expect(stream).toEqual(due)
    expect(due).toHaveLength(449)
  })

  test('forgets a job whole when its time has come, and not before', async () => {
    const { id, a, keeper } = await running({ keep: 50 })
    await a.log(id, 't', [line(1)])
    expect(await keeper.clean()).toMatchObject({ jobs: 0 })
    await a.finish(id, 't', aResult())
    await waitFor('the job to be forgotten', async () => (await keeper.clean()).jobs === 1)
    expect((await redis.keys('*')).toSorted()).toEqual(['ci-clock', 'ci-events', 'ci-jobs', 'ci-log-bytes', 'ci-seq'])
  })

  test('sweeps agents that went silent without a job, never one that holds one', async () => {
    const { keeper, reader, agent, id, a } = await running({ lease: 100 })
    await agent('idle').claim('v', 'default')
    await waitFor('the sweep', async () => (await a.beat(id, 't'), (await keeper.clean()).agents === 1))
    expect((await reader.agents()).map((one) => one.agent)).toEqual(['a'])
  })

  test('several at once do each thing once', async () => {
    const { jobs, agent } = roles(redis, { lease: 100 })
    for (let n = 0; n < 20; n++) {
      await jobs.enqueue(aSpec({ commit: aCommit(n) }))
      await agent(`a${n}`).claim(`t${n}`, 'default')
    }
    const keepers = Array.from({ length: 5 }, () => roles(server.client(), { lease: 100 }).keeper)
    await waitFor('all leases to end', async () => {
      await Promise.all(keepers.map((keeper) => keeper.tend()))
      return (await threeViews(redis)).group.length === 0
    })
    const tries = await Promise.all((await redis.zrange('ci-due', '0', '-1')).map((id) => redis.hget(keys.job(id), 'tries')))
    expect(tries).toEqual(Array(20).fill('1'))
    expect(await redis.xlen('ci-jobs')).toBe(20)
  })
})

describe('a full Redis', () => {
  test('refuses new jobs and lines whole, and lets results, releases and cancels through', async () => {
    const { jobs, agent, keeper, reader } = roles(redis)
    const ids = []
    for (let n = 0; n < 4; n++) ids.push((await jobs.enqueue(aSpec({ commit: aCommit(n) }))).id)
    for (let n = 0; n < 3; n++) await agent(`a${n}`).claim(`t${n}`, 'default')
    await redis.config('SET', 'maxmemory', '1')
    const before = await redis.dbsize()
    await expect(jobs.enqueue(aSpec({ commit: aCommit(9) }))).rejects.toThrow(/Redis is full/)
    await expect(agent('a0').log(ids[0]!, 't0', [line(1)])).rejects.toThrow(/OOM/)
    await expect(agent('b').claim('u', 'default')).rejects.toThrow(/OOM/)
    expect(await redis.dbsize()).toBe(before)
    expect(await agent('a0').beat(ids[0]!, 't0')).toBe('ok')
    expect(await agent('a0').finish(ids[0]!, 't0', aResult())).toBe('success')
    expect(await keeper.release('a1', 'killed', 'test')).toBe('pending')
    expect(await jobs.cancel(ids[2]!)).toMatchObject({ before: 'running' })
    expect(await jobs.cancel(ids[3]!)).toMatchObject({ after: 'cancelled' })
    expect(await keeper.tend()).not.toBeNaN()
    await redis.config('SET', 'maxmemory', '0')
    expect((await reader.job(ids[1]!))?.state).toBe('pending')
    const { line: due, stream } = await threeViews(redis)
    expect(stream).toEqual(due)
  })
})

describe('the reader', () => {
  test('names: id, tail, @latest, @failed, ambiguous, nearest', async () => {
    const { jobs, agent, reader } = roles(redis)
    const ids = ['01AAAAAAAAAAAAAAAAAAAAXXYZ', '01BBBBBBBBBBBBBBBBBBBBXXYZ', '01CCCCCCCCCCCCCCCCCCCCQQQQ']
    for (const [n, id] of ids.entries()) await jobs.enqueue(aSpec({ commit: aCommit(n) }), { id })
    expect(await reader.resolve(ids[0]!)).toEqual([ids[0]])
    expect(await reader.resolve('axxyz')).toEqual([ids[0]])
    expect((await reader.resolve('XXYZ')).toSorted()).toEqual([ids[0], ids[1]])
    expect(await reader.resolve('QQQ')).toEqual([])
    expect(await reader.resolve('@latest')).toEqual([ids[2]])
    expect(await reader.resolve('@failed')).toEqual([])
    expect(await reader.nearest('ZZQQQQ')).toEqual([ids[2]])
    await agent('a').claim('t', 'default')
    await agent('a').finish(ids[0]!, 't', aResult({ state: 'failed', reason: 'x', exitCode: 1 }))
    expect(await reader.resolve('@failed')).toEqual([ids[0]])
    expect(await reader.resolve('*')).toEqual([])
  })

  test('lists by state and repository, newest first, up to the limit', async () => {
    const { jobs, agent, reader } = roles(redis)
    for (let n = 0; n < 6; n++) await jobs.enqueue(aSpec({ commit: aCommit(n), repo: n % 2 ? '/odd' : '/even' }))
    for (let n = 0; n < 2; n++)
      await agent('a').finish(
        ((await agent('a').claim(`t${n}`, 'default')) as { job: { id: string } }).job.id,
        `t${n}`,
        aResult(),
      )
    const shown = async (filter: Parameters<typeof reader.jobs>[0]) =>
      (await reader.jobs(filter)).map((job) => Number(`0x${job.commit}`))
    expect(await shown({})).toEqual([5, 4, 3, 2, 1, 0])
    expect(await shown({ limit: 2 })).toEqual([5, 4])
    expect(await shown({ repo: '/odd' })).toEqual([5, 3, 1])
    expect(await shown({ states: ['success'] })).toEqual([1, 0])
    expect(await shown({ states: ['pending'], repo: '/even' })).toEqual([4, 2])
    expect(await reader.counts(['default'])).toEqual([{ pool: 'default', entries: 4, pending: 4, running: 0, delayed: 0 }])
  })
})
