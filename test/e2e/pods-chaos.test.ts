import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kinds, type Pod } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { isFinal } from '#lib/queue/types.ts'
import { nothingLost } from '#test/helpers/nothing-lost.ts'
import { podsWorld, withPods, type PodsWorld } from '#test/helpers/pods.ts'
import { counted, counting, upTo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const script = process.env['RAIBID_TEST_RESTART'] ?? ''
const control = (part: string, how: string) => promisify(execFile)(script, [part, how], { timeout: 120_000 })
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const [all, max] = [Number(process.env['RAIBID_TEST_CHAOS_JOBS'] ?? 200), 8]
const left = script ? '' : ' [skipped: RAIBID_TEST_RESTART is not set]'
let world: PodsWorld

withPods('chaos in real pods', () => {
  beforeAll(async () => {
    world = await podsWorld(`agent: { idle: 5s }\npools: { default: { max: ${max}, cpu: 50m, memory: 512Mi, disk: 1Gi } }`)
  }, 240_000)
  afterAll(() => world?.close(), 240_000)

  test.skipIf(!script)(`${all} jobs: 0 lost, 0 accepted twice${left}`, { timeout: 2_400_000 }, async () => {
    const began = Date.now()
    const ids = await world.enqueue('default', counting(10, 0.1), all)
    const done = async () => (await world.queue.reader.jobsOf(ids)).filter(({ state }) => isFinal(state)).length
    const did: Record<string, number> = {}
    const count = (what: string): void => void (did[what] = (did[what] ?? 0) + 1)
    const pods = async (labels: string) =>
      (await world.kube.list<Pod>({ ...kinds.pod, namespace: world.namespace, labels })).items

    /** A pod at random; never one whose job has been lost twice: a third time ends it as dead, and rightly. */
    async function deletePod(): Promise<void> {
      const serve = Math.random() < 0.05
      const found = await pods(serve ? `${cluster.nameLabel}=${cluster.serve}` : cluster.poolLabel)
      const alive = found.filter(({ status }) => /Pending|Running/.test(status?.phase ?? ''))
      const pod = alive[Math.floor(Math.random() * alive.length)]
      const held = (await world.queue.reader.agents()).find(({ agent }) => agent === pod?.metadata.name)?.job
      if (!pod || (held && (await world.job(held)).tries > 1)) return
      const atOnce = Math.random() < 0.5
      await world.kube.remove({ ...kinds.pod, metadata: pod.metadata }, atOnce ? { graceSeconds: 0 } : {})
      count(`${serve ? 'serve' : 'agent'} deleted${atOnce ? ' at once' : ''}`)
    }
    async function outage(part: 'keda' | 'apiserver' | 'redis', ms: number): Promise<void> {
      count(`${part} killed`)
      await (part === 'redis' ? world.redis.kill() : control(part, 'kill'))
      await sleep(ms)
      await (part === 'redis' ? world.redis.start() : control(part, 'start'))
    }
    const plan = [
      ...([
        ['keda', 25_000],
        ['redis', 4000],
        ['apiserver', 20_000],
        ['redis', 12_000],
        ['keda', 2000],
      ] as const),
      ...([
        ['apiserver', 2000],
        ['redis', 1000],
      ] as const),
    ]
    let ends = false
    const deleting = (async () => {
      for (; !ends; await sleep(1000 + Math.random() * 4000)) await deletePod().catch(() => count('deletion failed'))
    })()
    const failing = (async () => {
      for (const [part, ms] of plan) {
        await sleep(20_000)
        if ((await done()) === all) return
        await outage(part, ms)
      }
    })()
    try {
      await waitFor('the end of all', async () => (await done()) === all, 1_800_000)
    } finally {
      ends = true
      await Promise.all([deleting, failing])
    }
    process.stdout.write(`${all} jobs in ${Math.round((Date.now() - began) / 1000)} s; ${JSON.stringify(did)}\n`)
    await nothingLost(world, 'default', ids, 60_000)
    const jobs = await world.queue.reader.jobsOf(ids)
    const again = jobs.filter(({ attempt }) => attempt > 1)
    process.stdout.write(
      `${again.length} ran again, ${jobs.filter(({ tries }) => tries).length} had lost an agent; at the most ${world.peak('default')} Jobs at once\n`,
    )
    for (const { id, attempt } of jobs) {
      const log = (await Array.fromAsync(followLog(world.client, id))).filter((one) => one.attempt === attempt)
      expect(counted(log.map((one) => (one.kind === 'out' ? one.text : '')).join(''))).toEqual(upTo(10))
    }
    await waitFor('no unfinished Job', () => world.unfinished('default') === 0, 60_000)
    expect(world.peak('default')).toBeLessThanOrEqual(max)
  })
})
