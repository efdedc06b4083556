import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { alternate, goal, ratio, series, type Bench, type Findings } from './harness.ts'
import { benchPool, enqueue, rest, specOf, untilLine, type BenchPool } from './parts/pool.ts'
import { echoRepo, marker } from './parts/repos.ts'
import { scratch } from './parts/scratch.ts'
import { aCommit } from '#test/helpers/queue.ts'

const waiting = 1000

export default {
  summary: 'From enqueue to the first line of the build’s step in the hand of a live reader',
  run: ({ n = 30, signal, say }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const repo = echoRepo(open)
      const [cold, warm] = [await benchPool(open, { max: 2, warm: 0 }), await benchPool(open, { max: 2, warm: 1 })]
      const line = async (pool: BenchPool): Promise<number> => {
        await rest(pool)
        return untilLine(pool, specOf(repo), marker)
      }
      const floor = async (): Promise<number> => {
        await Promise.all([rest(cold), rest(warm)])
        return bareFloor(cold, repo.path, join(open.folder, 'floor'))
      }
      const variants = { cold: () => line(cold), warm: () => line(warm), floor }
      const idle = await alternate(variants, n, { signal, warmUp: 2 })
      say(`${waiting} jobs wait in each Redis`)
      for (const pool of [cold, warm])
        for (let i = 0; i < waiting; i++) await enqueue(pool, specOf(repo, { pool: 'other', commit: aCommit(i) }))
      const busy = await alternate({ cold: variants.cold, warm: variants.warm }, n, { signal })
      return {
        series: [
          series('cold agent', 'ms', idle.cold),
          series('warm agent', 'ms', idle.warm),
          series('floor: node, Redis, clone, shell', 'ms', idle.floor),
          series(`cold agent, ${waiting} waiting`, 'ms', busy.cold),
          series(`warm agent, ${waiting} waiting`, 'ms', busy.warm),
        ],
        ratios: [
          ratio('cold agent', 'floor', idle.cold, idle.floor),
          ratio('warm agent', 'floor', idle.warm, idle.floor),
          ratio(`cold, ${waiting} waiting`, 'cold, none', busy.cold, idle.cold),
          ratio(`warm, ${waiting} waiting`, 'warm, none', busy.warm, idle.warm),
        ],
        goals: [
          goal('cold agent: enqueue → first line, p50', { atMost: 180 }, p('p50', idle.cold), 'ms'),
          goal('cold agent: enqueue → first line, p95', { atMost: 300 }, p('p95', idle.cold), 'ms'),
          goal('warm agent: enqueue → first line, p50', { atMost: 50 }, p('p50', idle.warm), 'ms'),
        ],
        notes: [
          'From the call of the library’s `enqueue` to the line `echo` prints, in the hand of a live reader of the log; both sit in one process beside the pool. The repository is local, of one file, with a `.raibid.yaml` of one step.',
          'Cold: `up --max 2 --warm 0`, no agent lives when the job comes; the pool has rested, so its spare (a process that is booted, but no agent yet) is ready. Warm: `up --max 2 --warm 1`, one agent waits on the bell; before each run its successor is back.',
          `${waiting} waiting: as many jobs of the pool “other”, which has no agents, in the same Redis. Their agents are not counted by the measured pool’s scaler, their records, line and indexes are in the same keyspace. These rounds come after the others, so their ratio is of unpaired runs.`,
          'Floor: a fresh node that imports ioredis, connects, `git clone --depth 1` of the same repository, and `bash -c "echo line"`, from spawn to the line; compile cache on.',
        ],
      }
    }),
} satisfies Bench

const p = (which: 'p50' | 'p95', values: number[]): number => series('', '', values)[which]

/** From spawn to the line, ms. */
async function bareFloor(pool: BenchPool, repo: string, folder: string): Promise<number> {
  const begin = performance.now()
  const script = join(import.meta.dirname, 'parts/floor.ts')
  const env = { ...process.env, NODE_COMPILE_CACHE: join(pool.home, 'cache/floor') }
  const redis = pool.redisUrl()
  const child = spawn(process.execPath, [script, redis, repo, folder], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = (await once(child.stdout, 'data')) as [Buffer]
  const took = performance.now() - begin
  await once(child, 'exit')
  await rm(folder, { recursive: true })
  if (String(text) !== 'line\n') throw new Error(`the floor said ${JSON.stringify(String(text))}`)
  return took
}
