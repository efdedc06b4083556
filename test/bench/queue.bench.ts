import type { Redis } from 'ioredis'
import { producer } from '#lib/queue/producer.ts'
import type { JobSpec } from '#lib/queue/types.ts'
import { worker } from '#lib/queue/worker.ts'
import { aCommit, aResult, aSpec } from '#test/helpers/queue.ts'
import { startRedis } from '#test/helpers/redis-server.ts'
import { alternate, goal, ratio, series, timed, type Bench, type Findings } from './harness.ts'
import { bullmq, type Peer } from './parts/bullmq.ts'
import { redisBenchmark } from './parts/redis-benchmark.ts'
import { scratch } from './parts/scratch.ts'

/** Jobs of one run. */
const batch = 1000
const single = 200
const agents = 20

export default {
  summary: 'Jobs per second, on one redis-server with every write on disk, beside BullMQ and beside a bare XADD',
  run: ({ n = 15, signal }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const redis = await startRedis()
      open.onClose(redis.stop)
      const client = redis.client()
      const peer = await bullmq(redis.port)
      const make = (jobs: number): JobSpec[] => Array.from({ length: jobs }, (_, i) => aSpec({ commit: aCommit(i) }))
      const [many, few] = [make(batch), make(single)]
      /** Jobs per second of one run on an empty Redis. */
      const rate = async (jobs: number, work: () => Promise<number>): Promise<number> => {
        await client.flushall()
        return (jobs / (await work())) * 1000
      }
      const ours = oursOn(client)
      const theirs = theirsOn(peer)
      const enqueued = await alternate(
        {
          'raibid-ci, one by one': () => rate(single, () => ours.oneByOne(few)),
          'BullMQ, one by one': () => rate(single, () => theirs.oneByOne(few)),
          'XADD by ioredis, one by one': () => rate(single, () => xadd(client, few, false)),
          'raibid-ci, pipelined': () => rate(batch, () => ours.pipelined(many)),
          'BullMQ, pipelined': () => rate(batch, () => theirs.pipelined(many)),
          'XADD by ioredis, pipelined': () => rate(batch, () => xadd(client, many, true)),
        },
        n,
        { signal, warmUp: 2 },
      )
      const drained = await alternate(
        {
          'raibid-ci, 1 agent': () => rate(single, () => ours.drain(few, 1)),
          'BullMQ, 1 worker': () => rate(single, () => theirs.drain(few, 1)),
          [`raibid-ci, ${agents} agents`]: () => rate(batch, () => ours.drain(many, agents)),
          [`BullMQ, ${agents} at a time`]: () => rate(batch, () => theirs.drain(many, agents)),
        },
        n,
        { signal, warmUp: 2 },
      )
      const floor: [string, number | null][] = []
      for (const [name, pipelined] of [
        ['one by one', 1],
        ['pipelined', 100],
      ] as const) {
        const payload = ['XADD', 'floor', '*', 'data', JSON.stringify(few[0])]
        floor.push([`XADD by redis-benchmark, ${name}`, await redisBenchmark(redis.port, pipelined * 1000, pipelined, payload)])
      }
      const compare = (of: string, to: string, values: Record<string, number[]>) => ratio(of, to, values[of]!, values[to]!)
      const ratios = [
        compare('raibid-ci, pipelined', 'BullMQ, pipelined', enqueued),
        compare('raibid-ci, one by one', 'BullMQ, one by one', enqueued),
        compare('raibid-ci, pipelined', 'XADD by ioredis, pipelined', enqueued),
        compare('raibid-ci, one by one', 'XADD by ioredis, one by one', enqueued),
        compare('raibid-ci, 1 agent', 'BullMQ, 1 worker', drained),
        compare(`raibid-ci, ${agents} agents`, `BullMQ, ${agents} at a time`, drained),
      ]
      return {
        series: [
          ...Object.entries(enqueued).map(([name, values]) => series(`enqueue: ${name}`, 'jobs/s', values)),
          ...floor.flatMap(([name, value]) => (value === null ? [] : [series(`enqueue: ${name}`, 'entries/s', [value])])),
          ...Object.entries(drained).map(([name, values]) => series(`claim + finish: ${name}`, 'jobs/s', values)),
        ],
        ratios,
        goals: [
          goal('enqueue, pipelined', { atLeast: 1.5 }, ratios[0]!.p50, '× BullMQ'),
          goal('enqueue, one by one', { atLeast: 1.2 }, ratios[1]!.p50, '× BullMQ'),
          goal('claim + finish, one agent', { atLeast: 1 }, ratios[4]!.p50, '× BullMQ'),
          goal(`claim + finish, ${agents} agents`, { atLeast: 1 }, ratios[5]!.p50, '× BullMQ'),
        ],
        notes: [
          `One redis-server for all, \`appendonly yes\`, \`appendfsync always\`, emptied before each run. The payload is the same job description. One by one: ${single} jobs, each awaited. Pipelined: ${batch} jobs at once, on one connection: \`enqueueMany\`, and for BullMQ \`addBulk\`.`,
          `claim + finish: one connection, so many agents in turn, each with one call a job that reports the result and brings the next (\`finishAndClaim\`, as an agent with \`RAIBID_AGENT_MAX_JOBS\` above 1 does it); for BullMQ a \`Worker\` of that concurrency, whose finish fetches the next job in the same call too.`,
          'A rate, not a latency: p95 is a fast run. redis-benchmark has a C client, and its figure is of one run.',
        ],
      }
    }),
} satisfies Bench

function oursOn(client: Redis) {
  const jobs = producer(client)
  const pipelined = (specs: JobSpec[]): Promise<number> => timed(() => jobs.enqueueMany(specs.map((spec) => ({ spec }))))
  return {
    pipelined,
    oneByOne: (specs: JobSpec[]) =>
      timed(async () => {
        for (const spec of specs) await jobs.enqueue(spec)
      }),
    async drain(specs: JobSpec[], agents: number): Promise<number> {
      await pipelined(specs)
      let left = specs.length
      const agent = async (name: string): Promise<void> => {
        const mine = worker(client, name)
        let claimed = await mine.claim(`${name}-0`, 'default')
        for (let i = 1; claimed.kind === 'job'; i++) {
          left--
          claimed = (await mine.finishAndClaim(claimed.job.id, `${name}-${i - 1}`, aResult(), `${name}-${i}`, 'default')).claimed
        }
        if (claimed.kind !== 'idle') throw new Error(`an agent found the queue ${claimed.kind}`)
      }
      const took = await timed(() => Promise.all(Array.from({ length: agents }, (_, i) => agent(`agent-${i}`))))
      if (left !== 0) throw new Error(`${left} jobs were left`)
      return took
    },
  }
}

function theirsOn(peer: Peer) {
  let round = 0
  /** Their queue keeps its settings in Redis, so each run has one of its own. */
  const fresh = async <T>(work: (queue: Awaited<ReturnType<Peer['queue']>>, name: string) => Promise<T>): Promise<T> => {
    const name = `bench-${round++}`
    const queue = await peer.queue(name)
    try {
      return await work(queue, name)
    } finally {
      await queue.close()
    }
  }
  const bulk = (specs: JobSpec[]) => specs.map((data) => ({ name: 'build', data }))
  return {
    pipelined: (specs: JobSpec[]) => fresh((queue) => timed(() => queue.addBulk(bulk(specs)))),
    oneByOne: (specs: JobSpec[]) =>
      fresh((queue) =>
        timed(async () => {
          for (const spec of specs) await queue.add('build', spec)
        }),
      ),
    drain: (specs: JobSpec[], concurrency: number) =>
      fresh(async (queue, name) => {
        await queue.addBulk(bulk(specs))
        return peer.drain(name, specs.length, concurrency)
      }),
  }
}

function xadd(client: Redis, specs: JobSpec[], pipelined: boolean): Promise<number> {
  const add = (spec: JobSpec): Promise<unknown> => client.xadd('floor', '*', 'data', JSON.stringify(spec))
  return timed(async () => {
    if (pipelined) await Promise.all(specs.map(add))
    else for (const spec of specs) await add(spec)
  })
}
