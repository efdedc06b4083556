import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kinds } from '#lib/cluster/types.ts'
import { keys } from '#lib/queue/keys.ts'
import { ulid } from '#lib/ulid.ts'
import { testCluster, testKubeconfig, withCluster, type TestCluster } from '#test/helpers/cluster.ts'
import { nothingLost } from '#test/helpers/nothing-lost.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

/** `<script> apiserver|keda kill|start`: ends and starts parts of the test's cluster. */
const script = process.env['RAIBID_TEST_RESTART'] ?? ''
const control = (part: 'apiserver' | 'keda', how: 'kill' | 'start'): void =>
  void execFileSync(script, [part, how], { timeout: 90_000 })
const pools = ['api', 'keda', 'redis', 'pods', 'stands-in']
let world: TestCluster
let repo: ReturnType<typeof stepsRepo>
const left = testKubeconfig && !script ? ' [skipped: RAIBID_TEST_RESTART is not set]' : ''

withCluster('0 lost, 0 accepted twice', () => {
  beforeAll(async () => {
    world = await testCluster({ pools })
    repo = stepsRepo('sleep 3')
    const first = world.serve('--stalled', '5s')
    world.serve('--stalled', '5s')
    await waitFor('serve', () => first.said().includes('cluster reached'), 30_000)
  })
  afterAll(() => world.close())

  async function enqueue(pool: string, n: number): Promise<string[]> {
    const specs = Array.from({ length: n }, () => aSpec({ pool, repo: repo.path, commit: repo.commit, env: { N: ulid() } }))
    return Promise.all(specs.map(async (spec) => (await world.queue.jobs.enqueue(spec)).id))
  }
  const atWork = (pool: string, n: number) =>
    waitFor(`${n} at work`, async () => (await world.queue.reader.counts([pool]))[0]!.running >= n, 60_000)

  /** Every job has one result, and no Job is left. */
  async function audit(pool: string, ids: string[], max: number): Promise<void> {
    await nothingLost(world, pool, ids, 180_000)
    await waitFor('no unfinished Job', () => world.unfinished(pool) === 0, 60_000)
    if (world.peak(pool) > max) process.stdout.write(world.story(pool))
    expect(world.peak(pool)).toBeLessThanOrEqual(max)
  }

  test.skipIf(!script)(`the API server is gone for a minute${left}`, { timeout: 300_000 }, async () => {
    await world.scaledJob({ pool: 'api', max: 3 })
    const ids = await enqueue('api', 5)
    await atWork('api', 3)
    control('apiserver', 'kill')
    const victim = [...world.kubelet.running.values()][0]!
    victim.kill('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    control('apiserver', 'start')
    ids.push(...(await enqueue('api', 3)))
    await audit('api', ids, 3)
  })

  test.skipIf(!script)(
    `KEDA's operator is killed: serve stands in, says so, and goes back when it is there${left}`,
    { timeout: 300_000 },
    async () => {
      await world.scaledJob({ pool: 'stands-in', max: 3 })
      await audit('stands-in', await enqueue('stands-in', 1), 3)
      control('keda', 'kill')
      const before = world.created('stands-in').length
      const ids = await enqueue('stands-in', 5)
      try {
        await waitFor('Jobs made by serve', () => world.unfinished('stands-in') === 3, 30_000)
        const made = world.jobs('stands-in').slice(before)
        expect(made.map(({ job }) => job.metadata.labels?.['app.kubernetes.io/managed-by'])).toEqual(Array(3).fill('raibid-ci'))
        const note = async () =>
          (await world.client.hget(keys.poolNotes, 'stands-in'))?.includes('3 Jobs were created in its place')
        await waitFor('the note', note, 20_000)
      } finally {
        control('keda', 'start')
      }
      await audit('stands-in', ids, 3)
      expect(world.created('stands-in').length - before).toBe(5)
    },
  )

  test('Redis is killed while jobs wait and run', { timeout: 200_000 }, async () => {
    await world.scaledJob({ pool: 'redis', max: 3 })
    const ids = await enqueue('redis', 6)
    await atWork('redis', 2)
    await world.redis.kill()
    await new Promise((resolve) => setTimeout(resolve, 8000))
    await world.redis.start()
    await audit('redis', ids, 3)
  })

  test('pods are deleted while they run, with and without a chance', { timeout: 200_000 }, async () => {
    await world.scaledJob({ pool: 'pods', max: 3 })
    const ids = await enqueue('pods', 6)
    for (const graceSeconds of [0, 5, 0]) {
      await atWork('pods', 2)
      const [agent] = (await world.queue.reader.agents()).filter(({ pool, job }) => pool === 'pods' && job)
      await world.kube.remove({ ...kinds.pod, metadata: { name: agent!.agent, namespace: world.namespace } }, { graceSeconds })
      await waitFor('its end', () => !world.kubelet.running.has(agent!.agent), 20_000)
    }
    await audit('pods', ids, 3)
  })
})
