import { availableParallelism } from 'node:os'
import { series, type Bench, type Findings } from './harness.ts'
import { allEnded, benchPool, enqueue, rest, specOf, type BenchPool } from './parts/pool.ts'
import { echoRepo } from './parts/repos.ts'
import { scratch } from './parts/scratch.ts'

const jobs = 20

export default {
  summary: 'From an empty pool to all its agents, and trivial jobs drained per second',
  run: ({ n = 4, signal, say }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const repo = echoRepo(open)
      const cores = availableParallelism()
      const sizes = [cores, 4 * cores]
      const all: Findings['series'] = []
      for (const max of sizes) {
        say(`${max} agents`)
        const pool = await benchPool(open, { max, warm: 0 })
        const rounds = []
        for (let i = -1; i < n; i++) {
          signal.throwIfAborted()
          const round = await burst(pool, specOf(repo), max)
          if (i >= 0) rounds.push(round)
        }
        all.push(
          series(
            `0 → ${max} agents at work`,
            'ms',
            rounds.map(({ fullMs }) => fullMs),
          ),
          series(
            `jobs drained, ${max} agents`,
            'jobs/s',
            rounds.map(({ rate }) => rate),
          ),
        )
      }
      return {
        series: all,
        ratios: [],
        goals: [],
        notes: [
          `${jobs} jobs of one \`echo\` at once, no agent alive. “At work”: when the last of the first N claims was made, by Redis’s clock. Drained: from the first enqueue to the last result, each job with an agent process, a clone and a shell of its own.`,
        ],
      }
    }),
} satisfies Bench

async function burst(pool: BenchPool, spec: ReturnType<typeof specOf>, max: number): Promise<{ fullMs: number; rate: number }> {
  await rest(pool)
  const ids = await Promise.all(Array.from({ length: jobs }, () => enqueue(pool, spec)))
  const ended = await allEnded(pool, ids)
  const begin = Math.min(...ended.map((job) => job.createdAt))
  const started = ended.map((job) => job.startedAt! - begin).sort((a, b) => a - b)
  const end = Math.max(...ended.map((job) => job.finishedAt!))
  return { fullMs: started[Math.min(max, jobs) - 1]!, rate: (jobs / (end - begin)) * 1000 }
}
