import { afterAll, beforeAll, expect, test } from 'vitest'
import { kinds, type Pod } from '#lib/cluster/types.ts'
import { watch } from '#lib/cluster/watch.ts'
import { jobNameOf } from '#lib/server/cluster/pod-verdict.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { isFinal } from '#lib/queue/types.ts'
import { podsWorld, withPods, type PodsWorld } from '#test/helpers/pods.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const n = 30
/** When the container's first process started: seconds since the epoch, from inside, to a hundredth. */
const startedAt = `read -r up _ < /proc/uptime; ticks=$(cut -d' ' -f22 /proc/1/stat); echo "$(date +%s.%N) $up $ticks"`
let world: PodsWorld

withPods('the time of each phase in real pods', () => {
  beforeAll(async () => {
    world = await podsWorld('agent: { idle: 5s }\npools: { default: { max: 2, cpu: 50m, memory: 512Mi, disk: 1Gi } }')
  }, 240_000)
  afterAll(() => world?.close(), 240_000)

  test(`n = ${n}, one at a time, at random moments of KEDA's second`, { timeout: 900_000 }, async () => {
    const stop = new AbortController()
    /** By the name of its Job: when a pod was first seen bound to a node. */
    const bound = new Map<string, number>()
    const note = (pod: Pod): void => {
      const job = jobNameOf(pod) ?? ''
      if (pod.spec?.nodeName && !bound.has(job)) bound.set(job, Date.now())
    }
    const scope = { ...kinds.pod, namespace: world.namespace }
    const watching = watch<Pod>(
      world.kube,
      scope,
      { full: (all) => all.forEach(note), change: (_, pod) => note(pod) },
      stop.signal,
    )
    const rows: Record<string, number>[] = []
    for (let i = 0; i <= n; i++) {
      const before = world.jobs('default').length
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000))
      const [id = ''] = await world.enqueue('default', startedAt)
      const end = async () => (isFinal((await world.job(id)).state) ? world.job(id) : null)
      const job = await waitFor('the end', end, 60_000)
      expect(job).toMatchObject({ state: 'success', attempt: 1 })
      await waitFor('no unfinished Job', () => world.unfinished('default') === 0, 60_000)
      const made = world.jobs('default')[before]!
      const log = await Array.fromAsync(followLog(world.client, id))
      const printed = log.find((one) => one.kind === 'out' && /^\d/.test(one.text))!
      const [at = 0, up = 0, ticks = 0] = (printed as { text: string }).text.split(' ').map(Number)
      const container = (at - up + ticks / 100) * 1000
      const line = [
        job.createdAt,
        made.at,
        bound.get(made.job.metadata.name!)!,
        container,
        job.startedAt!,
        printed.at,
        job.finishedAt!,
        made.end!,
      ]
      const steps = Object.fromEntries(names.map((name, k) => [name, line[k + 1]! - line[k]!]))
      // the first one warms the node
      if (i > 0) rows.push({ ...steps, 'XADD → result': job.finishedAt! - job.createdAt })
    }
    stop.abort()
    await watching
    for (const name of Object.keys(rows[0]!)) {
      const sorted = rows.map((row) => row[name]!).toSorted((a, b) => a - b)
      const of = (q: number): number => Math.round(sorted[Math.ceil(q * sorted.length) - 1]!)
      process.stdout.write(`${name.padEnd(34)} p50 ${of(0.5)} ms  p95 ${of(0.95)} ms  max ${of(1)} ms\n`)
    }
    expect(rows).toHaveLength(n)
  })
})

const names = [
  'XADD → Job created',
  'Job created → pod bound',
  'pod bound → container started',
  'container started → claim',
  'claim → first line',
  'first line → result',
  'result → Job complete',
]
