import type { Redis } from 'ioredis'
import { loadConfig, type Config } from '#lib/config.ts'
import { explain } from '#lib/jobs/why/explain.ts'
import { factsOf } from '#lib/jobs/why/facts.ts'
import { keeper } from '#lib/queue/keeper.ts'
import { producer } from '#lib/queue/producer.ts'
import { reader } from '#lib/queue/reader.ts'
import { worker } from '#lib/queue/worker.ts'
import { aResult, aSpec } from '#test/helpers/queue.ts'
import { startRedis } from '#test/helpers/redis-server.ts'
import { alternate, goal, ratio, series, timed, type Bench, type Findings } from './harness.ts'
import { makeHistory } from './parts/history.ts'
import { scratch } from './parts/scratch.ts'

const sizes = [100, 10_000, 1_000_000]
const named = (jobs: number): string => `${jobs.toLocaleString('en')} jobs`

export default {
  summary:
    'What the length of the history costs: the same operations with a hundred, ten thousand and a million jobs in the index',
  run: ({ n = 100, signal, say }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const config = await loadConfig()
      const redises: [string, ReturnType<typeof operations>][] = []
      for (const jobs of sizes) {
        say(`making ${named(jobs)}`)
        const redis = await startRedis('--appendonly', 'no')
        open.onClose(redis.stop)
        const client = redis.client()
        await makeHistory(client, jobs, signal)
        redises.push([named(jobs), operations(client, config)])
      }
      const [[small], , [large]] = redises as [[string, unknown], unknown, [string, unknown]]
      const findings: Findings = { series: [], ratios: [], goals: [], notes: [] }
      const runs = {
        enqueue: n,
        claim: n,
        finish: n,
        'list 20 jobs': n,
        'list 20 failed': n,
        'resolve a tail': n,
        why: n,
        'keeper: clean': Math.min(n, 30),
      } as const
      for (const [name, times] of Object.entries(runs) as [keyof typeof runs, number][]) {
        const variants = Object.fromEntries(redises.map(([size, does]) => [size, () => timed(does[name])]))
        const ms = await alternate(variants, times, { signal, warmUp: Math.min(5, times) })
        findings.series.push(...redises.map(([size]) => series(`${name}: ${size}`, 'ms', ms[size]!)))
        const growth = ratio(`${name}, ${large}`, small, ms[large]!, ms[small]!)
        findings.ratios.push(growth)
        findings.goals.push(goal(`${name}: does not grow with the history`, { atMost: 1.5 }, growth.p50, '× from 10² to 10⁶'))
      }
      findings.notes.push(
        'Three redis-servers side by side, asked in turn, so that each ratio is of runs made within milliseconds. Without an append-only file here: a write’s wait for the disk would hide what is to be seen.',
        'The history: one job made and finished by the library, then copied on the server (COPY of its hash and log; its id, and its id backwards, added to every sorted set that holds the original’s), so the copies have the shape that lib/queue writes. They are one repository’s, one state’s, and the newest are the last made.',
        '`why`: of a finished job of that repository, with what is usual for it.',
      )
      return findings
    }),
} satisfies Bench

/** What is measured, each on its own; claim and finish follow enqueue, which leaves them jobs. */
function operations(redis: Redis, config: Config) {
  const [jobs, look, agent, keep] = [producer(redis), reader(redis), worker(redis, 'bench'), keeper(redis, () => ['default'])]
  const claimed: string[] = []
  const made: string[] = []
  let token = 0
  return {
    async enqueue() {
      made.push((await jobs.enqueue(aSpec(), { key: `bench-${made.length}` })).id)
    },
    async claim() {
      // an agent of its own each time, for one that asks again gives back what it had
      const answer = await worker(redis, `bench-${token}`).claim(`token-${token++}`, 'default')
      if (answer.kind !== 'job') throw new Error(`a claim found the queue ${answer.kind}`)
      claimed.push(answer.job.id)
    },
    async finish() {
      const id = claimed.shift()!
      const state = await agent.finish(id, `token-${token - claimed.length - 1}`, aResult())
      if (state !== 'success') throw new Error(`a finish was answered with ${state}`)
    },
    'list 20 jobs': () => look.jobs(),
    'list 20 failed': () => look.jobs({ states: ['failed', 'dead'] }),
    async why() {
      const [job] = await look.jobs({ states: ['success'], limit: 1 })
      explain(job!, await factsOf({ config, reader: look, redis }, job!))
    },
    'resolve a tail': () => look.resolve(made[made.length - 1]!.slice(-6)),
    'keeper: clean': () => keep.clean(),
  }
}
