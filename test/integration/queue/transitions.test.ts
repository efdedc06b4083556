import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
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

const claimJob = async (agent: ReturnType<ReturnType<typeof roles>['agent']>, token: string, pool = 'default') => {
  const claimed = await agent.claim(token, pool)
  if (claimed.kind !== 'job') throw new Error(`claim gave ${claimed.kind}`)
  return claimed.job
}

describe('enqueue', () => {
  test('puts the job in the line, on the stream and in every index', async () => {
    const { jobs, reader } = roles(redis)
    const { id, deduplicated } = await jobs.enqueue(aSpec())
    expect(deduplicated).toBe(false)
    expect(await threeViews(redis)).toEqual({ line: [id], delayed: [], stream: [id], group: [] })
    expect(await reader.job(id)).toMatchObject({ id, state: 'pending', attempt: 0, tries: 0, repo: '/srv/app' })
    expect((await reader.jobs({ repo: '/srv/app' })).map((job) => job.id)).toEqual([id])
  })

  test('a repeat of the same id is the same job, with the same answer', async () => {
    const { jobs } = roles(redis)
    const first = await jobs.enqueue(aSpec(), { id: '01AAAAAAAAAAAAAAAAAAAAAAAA' })
    expect(await jobs.enqueue(aSpec(), { id: '01AAAAAAAAAAAAAAAAAAAAAAAA' })).toEqual(first)
    expect(await redis.xlen('ci-jobs')).toBe(1)
  })

  test.each([
    ['the same build', {}, true],
    ['another environment', { env: { A: '1' } }, false],
    ['another commit', { commit: aCommit(2) }, false],
    ['another pipeline', { pipeline: 'rust' }, false],
    ['another timeout', { timeoutMs: 5 }, true],
  ])('%s while the first is unfinished: deduplicated %s', async (_, change, deduplicated) => {
    const { jobs } = roles(redis)
    const first = await jobs.enqueue(aSpec())
    const second = await jobs.enqueue(aSpec(change))
    expect(second.deduplicated).toBe(deduplicated)
    expect(second.id === first.id).toBe(deduplicated)
  })

  test('the order of the environment does not matter to the key', async () => {
    const { jobs } = roles(redis)
    const first = await jobs.enqueue(aSpec({ env: { A: '1', B: '2' } }))
    expect((await jobs.enqueue(aSpec({ env: { B: '2', A: '1' } }))).id).toBe(first.id)
  })

  test('the same build again after the first has ended is a new job; a key of the caller holds on', async () => {
    const { jobs, agent } = roles(redis)
    const first = await jobs.enqueue(aSpec())
    const keyed = await jobs.enqueue(aSpec(), { key: 'delivery-1' })
    for (const token of ['t1', 't2']) await agent('a').finish((await claimJob(agent('a'), token)).id, token, aResult())
    expect((await jobs.enqueue(aSpec())).id).not.toBe(first.id)
    expect(await jobs.enqueue(aSpec(), { key: 'delivery-1' })).toMatchObject({ id: keyed.id, deduplicated: true })
  })

  test('twenty at once with one key are one job', async () => {
    const clients = Array.from({ length: 20 }, () => roles(server.client()))
    const ids = await Promise.all(clients.map(async ({ jobs }) => (await jobs.enqueue(aSpec(), { key: 'k' })).id))
    expect(new Set(ids).size).toBe(1)
    expect(await redis.xlen('ci-jobs')).toBe(1)
  })

  test.each([
    ['an unknown pool', { pool: 'gpu' }, /there is no pool "gpu"; known: default/],
    ['a branch that would be a flag', { branch: '--upload-pack=touch /tmp/x' }, /branch: must not begin with "-"/],
    ['a line break in the repository', { repo: '/srv/a\nb' }, /repo: control characters/],
    ['a NUL in a value', { env: { A: 'x\0y' } }, /env.A: must not hold a NUL/],
    ['a variable of ours', { env: { RAIBID_JOB_ID: 'x' } }, /RAIBID_… is ours/],
    ['half a commit', { commit: 'abc' }, /commit: must be a full commit id/],
  ])('refuses %s, and nothing is stored', async (_, change, message) => {
    await expect(roles(redis).jobs.enqueue(aSpec(change))).rejects.toThrow(message)
    expect(await redis.dbsize()).toBe(0)
  })

  test('a held job starts no agent until it is admitted', async () => {
    const { jobs, agent } = roles(redis)
    const { id } = await jobs.enqueue(aSpec(), { hold: 'waits for approval' })
    expect(await redis.xlen('ci-jobs')).toBe(0)
    expect((await agent('a').claim('t', 'default')).kind).toBe('idle')
    expect(await jobs.admit(id)).toBe('pending')
    expect(await jobs.admit(id)).toBe('pending')
    expect((await claimJob(agent('a'), 't')).id).toBe(id)
  })
})

describe('superseding', () => {
  const day = 86_400_000
  test('a newer commit cancels older ones of its branch that wait, and nothing else', async () => {
    const { jobs, agent, reader } = roles(redis)
    const running = await jobs.enqueue(aSpec({ commit: aCommit(1) }), { commitAt: day })
    await claimJob(agent('a'), 't')
    const waiting = await jobs.enqueue(aSpec({ commit: aCommit(2) }), { commitAt: 2 * day })
    const elsewhere = await jobs.enqueue(aSpec({ commit: aCommit(2), branch: 'other' }), { commitAt: 2 * day })
    const newest = await jobs.enqueue(aSpec({ commit: aCommit(3) }), { commitAt: 3 * day, supersede: true })
    expect(newest.superseded).toEqual([waiting.id])
    expect(await reader.job(waiting.id)).toMatchObject({ state: 'cancelled', reason: 'superseded by 0000000' })
    expect((await reader.job(running.id))?.state).toBe('running')
    expect((await reader.job(elsewhere.id))?.state).toBe('pending')
  })

  test('an older commit that comes late supersedes nothing', async () => {
    const { jobs, reader } = roles(redis)
    const newer = await jobs.enqueue(aSpec({ commit: aCommit(9) }), { commitAt: 9 * day })
    expect((await jobs.enqueue(aSpec({ commit: aCommit(1) }), { commitAt: day, supersede: true })).superseded).toEqual([])
    expect((await reader.job(newer.id))?.state).toBe('pending')
  })

  test('the same commit with another environment is not superseded', async () => {
    const { jobs } = roles(redis)
    await jobs.enqueue(aSpec({ commit: aCommit(1) }), { commitAt: day })
    expect(
      (await jobs.enqueue(aSpec({ commit: aCommit(1), env: { A: '1' } }), { commitAt: day, supersede: true })).superseded,
    ).toEqual([])
  })
})

describe('claim', () => {
  test('first in, first out, each to one agent; the group shows who has what', async () => {
    const { jobs, agent } = roles(redis)
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push((await jobs.enqueue(aSpec({ commit: aCommit(n) }))).id)
    const got = []
    for (let n = 0; n < 5; n++) got.push((await claimJob(agent(`a${n}`), `t${n}`)).id)
    expect(got).toEqual(ids)
    expect((await threeViews(redis)).group).toEqual(ids.map((id, n) => [id, `a${n}`]))
  })

  test('the same token gets the same job; another token of another agent the next', async () => {
    const { jobs, agent } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    const first = await claimJob(agent('a'), 't')
    expect(await claimJob(agent('a'), 't')).toEqual(first)
    expect(first).toMatchObject({ id, attempt: 1 })
    expect((await agent('b').claim('u', 'default')).kind).toBe('idle')
  })

  test('a token whose job was taken away is told so', async () => {
    const { jobs, agent, keeper } = roles(redis)
    await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't')
    await keeper.release('a', 'gone', 'test')
    await claimJob(agent('b'), 'u')
    await redis.hset(
      keys.agents,
      'a',
      JSON.stringify({ job: (await redis.zrange('ci-due', '0', '0'))[0], token: 't', pool: 'default', beat: 0 }),
    )
    expect((await agent('a').claim('t', 'default')).kind).toBe('gone')
  })

  test('a member without a hash is removed from line and stream, and the next job is given', async () => {
    const { jobs, agent } = roles(redis)
    const broken = await jobs.enqueue(aSpec({ commit: aCommit(1) }))
    const sound = await jobs.enqueue(aSpec({ commit: aCommit(2) }))
    await redis.del(keys.job(broken.id))
    expect((await claimJob(agent('a'), 't')).id).toBe(sound.id)
    expect(await threeViews(redis)).toMatchObject({ line: [sound.id], stream: [sound.id] })
  })

  test('pools are apart', async () => {
    const { jobs, agent } = roles(redis, {}, ['default', 'gpu'])
    const { id } = await jobs.enqueue(aSpec({ pool: 'gpu' }))
    expect((await agent('a').claim('t', 'default')).kind).toBe('idle')
    expect((await claimJob(agent('a'), 't', 'gpu')).id).toBe(id)
    expect(await redis.xlen('ci-jobs:gpu')).toBe(1)
  })

  test('an idle agent wakes at an enqueue and at a release', async () => {
    const { jobs, agent, keeper } = roles(redis)
    const bell = server.client()
    const idle = await agent('a').claim('t', 'default')
    let woke =
      idle.kind === 'idle' ? agent('a').waitForBell(bell, 'default', idle.behind, 60_000) : Promise.reject(new Error('not idle'))
    await jobs.enqueue(aSpec())
    await woke
    await claimJob(agent('b'), 'u')
    const again = await agent('a').claim('t', 'default')
    woke =
      again.kind === 'idle'
        ? agent('a').waitForBell(bell, 'default', again.behind, 60_000)
        : Promise.reject(new Error('not idle'))
    await keeper.release('b', 'killed', 'test')
    await woke
    expect((await claimJob(agent('a'), 'v')).attempt).toBe(2)
  })
})

describe('the fence', () => {
  test('an attempt that lost its job can neither beat, log, finish nor release', async () => {
    const { jobs, agent, keeper, reader } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('zombie'), 'old')
    await keeper.release('zombie', 'hung', 'test')
    await claimJob(agent('fresh'), 'new')
    const zombie = agent('zombie')
    expect(await zombie.beat(id, 'old')).toBe('lost')
    expect(await zombie.log(id, 'old', [{ seq: 7, kind: 'out', step: 0, text: 'x', lines: 0, line: 0 }])).toBe('lost')
    expect(await zombie.finish(id, 'old', aResult())).toBe('lost')
    expect(await zombie.release('old', 'drained', 'x')).toBe('none')
    expect(await reader.job(id)).toMatchObject({ state: 'running', agent: 'fresh', attempt: 2 })
    expect(await agent('fresh').finish(id, 'new', aResult({ state: 'failed', reason: 'step test: exit 1', exitCode: 1 }))).toBe(
      'failed',
    )
    expect(await zombie.finish(id, 'old', aResult())).toBe('lost')
    expect((await reader.job(id))?.state).toBe('failed')
  })

  test('a repeated finish gives the recorded answer and changes nothing', async () => {
    const { jobs, agent, reader } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't')
    expect(await agent('a').finish(id, 't', aResult())).toBe('success')
    expect(await agent('a').finish(id, 't', aResult({ state: 'failed' }))).toBe('success')
    expect((await reader.job(id))?.state).toBe('success')
    expect(await threeViews(redis)).toEqual({ line: [], delayed: [], stream: [], group: [] })
  })
})

describe('losing an agent', () => {
  test('the first time at once and in the old place, then with a wait, then dead', async () => {
    const { jobs, agent, keeper, reader } = roles(redis, { backoff: 30 })
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't1')
    await jobs.enqueue(aSpec({ commit: aCommit(2) }))
    expect(await keeper.release('a', 'killed by SIGKILL', 'supervisor')).toBe('pending')
    expect(await keeper.release('a', 'killed by SIGKILL', 'supervisor')).toBe('none')
    expect((await claimJob(agent('b'), 't2')).id).toBe(id)
    expect(await keeper.release('b', 'killed', 'supervisor')).toBe('delayed')
    expect(await threeViews(redis)).toMatchObject({ delayed: [id] })
    expect(await redis.xlen('ci-jobs')).toBe(1)
    await waitFor('the promotion', async () => (await keeper.tend(), (await reader.job(id))?.state === 'pending'))
    expect((await claimJob(agent('c'), 't3')).id).toBe(id)
    expect(await keeper.release('c', 'killed', 'supervisor')).toBe('dead')
    expect(await reader.job(id)).toMatchObject({ state: 'dead', attempt: 3, tries: 3, reason: 'killed (3 times)' })
    expect((await reader.jobs({ states: ['dead'] })).map((job) => job.id)).toEqual([id])
  })

  test('a drained agent costs no try, however often', async () => {
    const { jobs, agent, reader } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    for (let n = 0; n < 5; n++) {
      await claimJob(agent('a'), `t${n}`)
      expect(await agent('a').release(`t${n}`, 'drained', 'node reboots')).toBe('pending')
    }
    expect(await reader.job(id)).toMatchObject({ state: 'pending', attempt: 5, tries: 0 })
  })

  test('a lease that ends releases the job; a beat keeps it', async () => {
    const { jobs, agent, keeper, reader } = roles(redis, { lease: 150 })
    const kept = await jobs.enqueue(aSpec({ commit: aCommit(1) }))
    const lost = await jobs.enqueue(aSpec({ commit: aCommit(2) }))
    await claimJob(agent('a'), 't')
    await claimJob(agent('b'), 'u')
    await waitFor('the end of the lease', async () => {
      await agent('a').beat(kept.id, 't')
      await keeper.tend()
      return (await reader.job(lost.id))?.state === 'pending'
    })
    expect(await reader.job(lost.id)).toMatchObject({ reason: 'agent lost: no beat for 0.15 s', tries: 1 })
    expect((await reader.job(kept.id))?.state).toBe('running')
  })

  test('after a time in which no script ran, no lease ends for one whole lease', async () => {
    const { jobs, agent, keeper, reader } = roles(redis, { lease: 400 })
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't')
    const begun = Date.now()
    await waitFor('four leases without a script', () => Date.now() - begun > 1600)
    await keeper.tend()
    expect((await reader.job(id))?.state).toBe('running')
    expect((await agent('b').claim('u', 'default')).kind).toBe('idle')
    expect(await agent('a').beat(id, 't')).toBe('ok')
    expect(await reader.job(id)).toMatchObject({ state: 'running', attempt: 1 })
  })

  test('a time far ahead, after a clock that stepped back, is brought near', async () => {
    const { jobs, agent, keeper } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't')
    await redis.zadd('ci-due', Date.now() + 86_400_000, id)
    await keeper.tend()
    expect(Number(await redis.zscore('ci-due', id))).toBeLessThan(Date.now() + 16_000)
  })
})

describe('cancel', () => {
  test.each(['pending', 'delayed', 'held'] as const)('a %s job ends at once', async (state) => {
    const { jobs, agent, keeper, reader } = roles(redis)
    const { id } = await jobs.enqueue(aSpec(), state === 'held' ? { hold: 'approval' } : {})
    if (state === 'delayed') {
      for (const token of ['t', 'u']) {
        await claimJob(agent(token), token)
        await keeper.release(token, 'killed', 'test')
      }
    }
    expect(await jobs.cancel(id, 'cancelled by me')).toEqual({ before: state, after: 'cancelled' })
    expect(await jobs.cancel(id)).toEqual({ before: 'cancelled', after: 'cancelled' })
    expect(await reader.job(id)).toMatchObject({ state: 'cancelled', reason: 'cancelled by me' })
    expect(await threeViews(redis)).toEqual({ line: [], delayed: [], stream: [], group: [] })
    expect(await redis.zcard('ci-held')).toBe(0)
  })

  test.each([
    ['success', async (r: ReturnType<typeof roles>, id: string) => r.agent('a').finish(id, 't', aResult())],
    ['a release', async (r: ReturnType<typeof roles>) => r.keeper.release('a', 'killed', 'test')],
    ['a drain', async (r: ReturnType<typeof roles>) => r.agent('a').release('t', 'drained', 'x')],
  ])('the flag on a running job outranks %s', async (_, end) => {
    const all = roles(redis)
    const { id } = await all.jobs.enqueue(aSpec())
    await claimJob(all.agent('a'), 't')
    expect(await all.jobs.cancel(id, 'by me')).toEqual({ before: 'running', after: 'running' })
    expect(await all.agent('a').beat(id, 't')).toBe('cancel')
    expect(await end(all, id)).toBe('cancelled')
    expect(await all.reader.job(id)).toMatchObject({ state: 'cancelled', reason: 'by me' })
  })

  test('the agent is told at once', async () => {
    const { jobs, agent } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't')
    let told = false
    await agent('a').onCancel(server.client(), id, () => (told = true))
    await jobs.cancel(id)
    await waitFor('the message', () => told, 1000)
  })

  test('an unknown job', async () => {
    expect(await roles(redis).jobs.cancel('nope')).toEqual({ before: 'unknown', after: 'unknown' })
  })
})

describe('retry', () => {
  test('runs a finished job again under its id: attempts go on, tries and the flag start afresh', async () => {
    const { jobs, agent, reader } = roles(redis)
    const { id } = await jobs.enqueue(aSpec())
    await claimJob(agent('a'), 't')
    await jobs.cancel(id)
    await agent('a').finish(id, 't', aResult())
    expect(await jobs.retry(id, 'r1')).toEqual({ before: 'cancelled', done: true })
    expect(await jobs.retry(id, 'r1')).toEqual({ before: 'pending', done: true })
    expect(await jobs.retry(id, 'r2')).toEqual({ before: 'pending', done: false })
    expect(await reader.job(id)).toMatchObject({ state: 'pending', cancelled: false, tries: 0, finishedAt: null })
    expect((await jobs.enqueue(aSpec())).id).toBe(id)
    expect(await claimJob(agent('a'), 'u')).toMatchObject({ id, attempt: 2 })
    expect(await agent('a').finish(id, 'u', aResult())).toBe('success')
    expect(await reader.totals()).toMatchObject({ success: 1, cancelled: 0 })
  })

  test('only a dead job can be dropped, and nothing of it is left', async () => {
    const { jobs, agent, keeper } = roles(redis, { tries: 1 })
    const { id } = await jobs.enqueue(aSpec())
    expect(await jobs.drop(id)).toBe('pending')
    await claimJob(agent('a'), 't')
    await keeper.release('a', 'killed', 'test')
    expect(await jobs.drop(id)).toBe('dropped')
    expect(await jobs.drop(id)).toBe('unknown')
    expect((await redis.keys('*')).toSorted()).toEqual(['ci-events', 'ci-jobs', 'ci-seq'])
  })
})
