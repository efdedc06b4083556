import { setTimeout as sleep } from 'node:timers/promises'
import { notedAgents, notes } from '#lib/pool/state.ts'
import { goal, series, type Bench, type Findings } from './harness.ts'
import { benchPool, enqueue, followed, rest, specOf, type BenchPool } from './parts/pool.ts'
import { echoRepo, repoOf } from './parts/repos.ts'
import { scratch } from './parts/scratch.ts'
import { percentile } from './stats.ts'
import { cpuMs, memoryMb } from './parts/usage.ts'

/** One look lasts so long, ms. */
const window = 1000

export default {
  summary: 'What the pool takes while nothing happens, and an agent that waits or works',
  run: ({ n = 8, signal }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const cold = await benchPool(open, { max: 2, warm: 0 })
      const warm = await benchPool(open, { max: 2, warm: 1 })
      const quiet = repoOf(open, 'quiet', 'echo ready; sleep 600')
      const chatty = repoOf(
        open,
        'chatty',
        'echo ready; while :; do for i in $(seq 100); do echo "line $i of a build that has much to say"; done; sleep 0.05; done',
      )
      // the first process of a home compiles for all that come after it
      await rest(cold)
      await followed(cold, await enqueue(cold, specOf(echoRepo(open))))
      await Promise.all([rest(cold), rest(warm)])
      // what was allocated to start has time to be given back
      await sleep(2000, undefined, { signal })
      const ready = notes(cold.home).find((note) => note.spare)!
      const idle = await look({ supervisor: cold.supervisor()!, redis: cold.redisPid(), spare: ready.pid }, n, signal)
      const waiting = await look({ agent: notedAgents(warm.home)[0]!.pid }, n, signal)
      const sleeping = await atWork(cold, specOf(quiet), n, signal)
      const talking = await atWork(cold, specOf(chatty), n, signal)

      const [supervisor, redis, spare] = idle.all as [Usage, Usage, Usage]
      const rss = supervisor.rss.map((mb, i) => mb + redis.rss[i]! + spare.rss[i]!)
      const cpu = supervisor.cpu.map((share, i) => share + redis.cpu[i]! + spare.cpu[i]!)
      const part = (name: string, { cpu, rss, pss }: Usage) => [
        series(`${name}: CPU`, '% of a core', cpu),
        series(`${name}: memory`, 'MB', rss),
        series(`${name}: memory without what is shared`, 'MB', pss),
      ]
      return {
        series: [
          ...part('idle supervisor', supervisor),
          ...part('idle redis-server', redis),
          ...part('idle spare', spare),
          ...part('warm agent, waiting', waiting.all[0]!),
          ...part('agent at work, silent step', sleeping.all[0]!),
          ...part('agent at work, 2,000 lines/s', talking.all[0]!),
        ],
        ratios: [],
        goals: [
          goal('idle pool (supervisor, redis-server, spare): memory', { atMost: 150 }, percentile(rss, 0.5), 'MB'),
          goal(
            'idle pool (supervisor, redis-server, spare): CPU',
            { atMost: 1 },
            cpu.reduce((a, b) => a + b, 0) / cpu.length,
            '% of a core',
          ),
        ],
        notes: [
          `Each value is of one second, from /proc: CPU by the scheduler’s count, memory as resident set; “without what is shared” counts pages that several processes have in common by their share.`,
          'Idle: `up --max 2 --warm 0 --no-serve`: the control plane, which `up` starts as well, is not in these figures; no job, no agent; the spare is ready. The CPU goal is held against the mean. The processes of a step are not the agent’s.',
        ],
      }
    }),
} satisfies Bench

interface Usage {
  cpu: number[]
  rss: number[]
  pss: number[]
}

async function look(pids: Record<string, number>, n: number, signal: AbortSignal): Promise<{ all: Usage[] }> {
  const all = Object.values(pids).map((pid) => ({
    pid,
    before: cpuMs(pid),
    cpu: [] as number[],
    rss: [] as number[],
    pss: [] as number[],
  }))
  for (let i = 0; i < n; i++) {
    const begin = performance.now()
    await sleep(window, undefined, { signal })
    for (const one of all) {
      const now = cpuMs(one.pid)
      one.cpu.push(((now - one.before) / (performance.now() - begin)) * 100)
      one.before = now
      const { rss, pss } = memoryMb(one.pid)
      one.rss.push(rss)
      one.pss.push(pss)
    }
  }
  return { all }
}

/** Looks at the agent of a job whose step runs on until it is cancelled. */
async function atWork(pool: BenchPool, spec: ReturnType<typeof specOf>, n: number, signal: AbortSignal) {
  const id = await enqueue(pool, spec)
  await pool.said(id, 'ready')
  await sleep(500)
  const usage = await look({ agent: (await pool.agentOf(id)).pid }, Math.ceil(n / 2), signal)
  await pool.jobs.cancel(id)
  await followed(pool, id).catch(() => {}) // cancelled, as it should be
  return usage
}
