import { afterAll, beforeAll, expect, test } from 'vitest'
import { cluster } from '#lib/contract.ts'
import { agentsToStart } from '#lib/pool/scaler.ts'
import { isFinal } from '#lib/queue/types.ts'
import { kinds } from '#lib/cluster/types.ts'
import { ulid } from '#lib/ulid.ts'
import { testCluster, withCluster, type TestCluster } from '#test/helpers/cluster.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const pools = ['burst', 'more', 'dies', 'cancel', 'delayed', 'warm', 'restart', 'edited']
let world: TestCluster

withCluster('KEDA’s operator makes what the local scaler computes', () => {
  beforeAll(async () => void (world = await testCluster({ pools })))
  afterAll(() => world.close())

  async function enqueue(pool: string, n: number, script = 'sleep 2'): Promise<string[]> {
    const repo = stepsRepo(script)
    const ids: string[] = []
    for (let i = 0; i < n; i++) {
      const spec = aSpec({ pool, repo: repo.path, commit: repo.commit, env: { N: ulid() } })
      ids.push((await world.queue.jobs.enqueue(spec)).id)
    }
    return ids
  }
  const states = async (ids: string[]) => (await world.queue.reader.jobsOf(ids)).map(({ state, attempt }) => ({ state, attempt }))
  const allEnd = (ids: string[], ms = 120_000) =>
    waitFor(
      'the end of all',
      async () => {
        const all = await states(ids)
        return all.every(({ state }) => isFinal(state)) ? all : null
      },
      ms,
    )
  const nothingLeft = (pool: string) => waitFor('no unfinished Job', () => world.unfinished(pool) === 0, 60_000)

  /** What the local scaler makes of jobs that come at once, each agent taking one: Jobs in all, and at the most at one time. */
  function local(n: number, { max, warm = 0 }: { max: number; warm?: number }) {
    let [entries, agents, made, most] = [n, 0, 0, 0]
    while (entries > 0) {
      for (let start = 1; start > 0;) {
        start = agentsToStart({ entries, agents, max, warm })
        agents += start
        made += start
      }
      most = Math.max(most, agents)
      agents--
      entries--
    }
    return { made, most }
  }

  test('a burst of 20 with max 8', { timeout: 180_000 }, async () => {
    await world.scaledJob({ pool: 'burst', max: 8 })
    const ids = await enqueue('burst', 20)
    expect(await allEnd(ids)).toEqual(ids.map(() => ({ state: 'success', attempt: 1 })))
    await nothingLeft('burst')
    expect({ made: world.created('burst').length, most: world.peak('burst') }).toEqual(local(20, { max: 8 }))
  })

  test('3 more while 3 run', { timeout: 120_000 }, async () => {
    await world.scaledJob({ pool: 'more', max: 10 })
    const first = await enqueue('more', 3, 'sleep 12')
    await waitFor('three at work', async () => (await world.queue.reader.counts(['more']))[0]!.running === 3, 30_000)
    const more = await enqueue('more', 3, 'sleep 1')
    await allEnd(more, 60_000)
    expect((await states(first)).map(({ state }) => state)).toEqual(['running', 'running', 'running'])
    await allEnd(first)
    await nothingLeft('more')
    expect([world.created('more').length, world.peak('more')]).toEqual([6, 6])
  })

  test('an agent that dies: one more Job, and its job runs again', { timeout: 120_000 }, async () => {
    await world.scaledJob({ pool: 'dies', max: 4 })
    const serve = world.serve()
    const ids = await enqueue('dies', 2, 'sleep 4')
    await waitFor('two at work', async () => (await world.queue.reader.counts(['dies']))[0]!.running === 2, 30_000)
    const victim = (await world.queue.reader.job(ids[0]!))!.agent
    const died = Date.now()
    world.kubelet.running.get(victim)!.kill('SIGKILL')
    const job = await waitFor('its release', async () => {
      const one = await world.queue.reader.job(ids[0]!)
      return one && one.tries === 1 ? one : null
    })
    expect(job.reason === '' || /agent lost: killed by SIGKILL/.test(job.reason)).toBe(true)
    process.stdout.write(`a dead agent's job was released after ${Date.now() - died} ms\n`)
    expect(await allEnd(ids)).toEqual([
      { state: 'success', attempt: 2 },
      { state: 'success', attempt: 1 },
    ])
    await nothingLeft('dies')
    expect([world.created('dies').length, world.peak('dies')]).toEqual([3, 2])
    serve.child.kill('SIGTERM')
  })

  test('what waits and is cancelled gets no Job', { timeout: 120_000 }, async () => {
    await world.scaledJob({ pool: 'cancel', max: 1 })
    const ids = await enqueue('cancel', 4, 'sleep 4')
    await waitFor('one at work', async () => (await world.queue.reader.counts(['cancel']))[0]!.running === 1, 30_000)
    const waiting = (await world.queue.reader.jobsOf(ids)).filter(({ state }) => state === 'pending').map(({ id }) => id)
    for (const id of waiting.slice(0, 2)) await world.queue.jobs.cancel(id, 'by the test')
    const ended = await allEnd(ids)
    expect(ended.filter(({ state }) => state === 'cancelled')).toHaveLength(2)
    await nothingLeft('cancel')
    expect([world.created('cancel').length, world.peak('cancel')]).toEqual([2, 1])
  })

  test('nothing is created for what is delayed or held', { timeout: 120_000 }, async () => {
    await world.scaledJob({ pool: 'delayed', max: 4 })
    const [id = ''] = await enqueue('delayed', 1)
    const repo = stepsRepo('true')
    await world.queue.jobs.enqueue(aSpec({ pool: 'delayed', repo: repo.path, commit: repo.commit }), { hold: 'approval' })
    // lost twice by agents of ours: delayed by ten seconds
    for (const name of ['x1', 'x2']) {
      const worker = world.queue.agent(name)
      await waitFor('the claim', async () => (await worker.claim(`token-${name}`, 'delayed')).kind === 'job')
      await world.queue.keeper.release(name, 'agent lost: by the test', 'test')
    }
    expect((await world.queue.reader.job(id))!.state).toBe('delayed')
    await nothingLeft('delayed')
    const before = world.created('delayed').length
    const due = (await world.queue.reader.job(id))!.dueAt!
    await waitFor('a moment before it is due', () => Date.now() > due - 500, 15_000)
    expect(world.created('delayed').length).toBe(before)
    await waitFor('its promotion', () => world.queue.keeper.tend().then(() => Date.now() > due))
    await world.queue.keeper.tend()
    expect(await allEnd([id])).toEqual([{ state: 'success', attempt: 3 }])
    await nothingLeft('delayed')
    expect(world.created('delayed').length).toBe(before + 1)
  })

  test('one warm agent: it takes the job at once, and another takes its place', { timeout: 120_000 }, async () => {
    await world.scaledJob({ pool: 'warm', max: 3, warm: 1, idleSeconds: 600 })
    await waitFor('a warm agent', async () => (await world.queue.reader.agents()).some(({ pool }) => pool === 'warm'), 30_000)
    const began = Date.now()
    const [id = ''] = await enqueue('warm', 1, 'sleep 3')
    await waitFor('its start', async () => (await world.queue.reader.job(id))!.state === 'running')
    process.stdout.write(`a warm agent took a job after ${Date.now() - began} ms\n`)
    await allEnd([id])
    await waitFor('another warm one', () => world.created('warm').length >= 2 && world.unfinished('warm') <= 2, 20_000)
    expect(world.peak('warm')).toBeLessThanOrEqual(3)
    await world.kube.remove({ ...kinds.scaledJob, metadata: { name: cluster.scaledJob('warm'), namespace: world.namespace } })
    await nothingLeft('warm')
  })

  test('Redis restarts while jobs run and wait', { timeout: 180_000 }, async () => {
    await world.scaledJob({ pool: 'restart', max: 2 })
    const ids = await enqueue('restart', 4, 'sleep 3')
    await waitFor('two at work', async () => (await world.queue.reader.counts(['restart']))[0]!.running === 2, 30_000)
    await world.redis.kill()
    await world.redis.start()
    expect(await allEnd(ids)).toEqual(ids.map(() => ({ state: 'success', attempt: 1 })))
    await nothingLeft('restart')
    expect([world.created('restart').length, world.peak('restart')]).toEqual([4, 2])
  })

  test('the ScaledJob is edited while Jobs run: none is ended, and the new max holds', { timeout: 180_000 }, async () => {
    await world.scaledJob({ pool: 'edited', max: 2 })
    const ids = await enqueue('edited', 5, 'sleep 4')
    await waitFor('two at work', async () => (await world.queue.reader.counts(['edited']))[0]!.running === 2, 30_000)
    await world.scaledJob({ pool: 'edited', max: 3, deadlineSeconds: 1800 })
    await waitFor('three Jobs', () => world.unfinished('edited') === 3, 20_000)
    expect(await allEnd(ids)).toEqual(ids.map(() => ({ state: 'success', attempt: 1 })))
    await nothingLeft('edited')
    expect([world.created('edited').length, world.peak('edited')]).toEqual([5, 3])
  })
})
