import { afterAll, beforeAll, expect, test } from 'vitest'
import { ulid } from '#lib/ulid.ts'
import { testCluster, withCluster, type TestCluster } from '#test/helpers/cluster.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const n = 40
let world: TestCluster

withCluster('the time from XADD to a Job', () => {
  // the pods end at once: only KEDA's part is measured
  beforeAll(async () => void (world = await testCluster({ pools: ['latency'], instead: () => 0 })))
  afterAll(() => world.close())

  test(`n = ${n}, one at a time, at random moments of KEDA's second`, { timeout: 300_000 }, async () => {
    await world.scaledJob({ pool: 'latency', max: 4 })
    // the first poll after the ScaledJob came
    const times: number[] = []
    for (let i = 0; i < n + 1; i++) {
      const before = world.created('latency').length
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000))
      const began = performance.now()
      const { id } = await world.queue.jobs.enqueue(aSpec({ pool: 'latency', env: { N: ulid() } }))
      await waitFor('a Job', () => world.created('latency').length > before, 20_000)
      if (i > 0) times.push(performance.now() - began)
      await world.queue.jobs.cancel(id, 'by the test')
      await waitFor('its end', () => world.unfinished('latency') === 0, 20_000)
    }
    const sorted = times.toSorted((a, b) => a - b)
    const at = (q: number): number => Math.round(sorted[Math.ceil(q * n) - 1]!)
    process.stdout.write(`XADD → Job created: n ${n}, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms\n`)
    expect(at(0.95)).toBeLessThan(3000)
  })
})
