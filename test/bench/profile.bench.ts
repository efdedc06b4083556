import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { series, type Bench, type Findings } from './harness.ts'
import { benchPool, rest, specOf, untilLine } from './parts/pool.ts'
import { echoRepo, marker } from './parts/repos.ts'
import { scratch } from './parts/scratch.ts'
import { percentile } from './stats.ts'

interface Event {
  at: number
  kind: string
  text: string
}

/** What is passed on the way, and how it shows. Some run side by side, so their order is found, not given. */
const milestones: [name: string, of: 'agent' | 'supervisor', kind: string, text: RegExp, last?: boolean][] = [
  ['supervisor is told of the job', 'supervisor', 'answer', /pending/],
  ['supervisor calls spawn()', 'supervisor', 'spawn', /node/],
  ['spawn() has returned', 'supervisor', 'spawned', /node/],
  ['agent process is born', 'agent', 'born', /./],
  ['node has booted', 'agent', 'booted', /^/],
  ['(the probe itself is loaded)', 'agent', 'probe', /^/],
  ['imports are done: connect()', 'agent', 'connect', /^/],
  ['connected', 'agent', 'connected', /^/],
  ['claim is sent', 'agent', 'write', / eval/i],
  ['claim is answered', 'agent', 'answer', /^\*\d+ \$3 job/],
  ['guard is started', 'agent', 'spawned', /guard/],
  ['git is started', 'agent', 'spawn', /^\d+ (git|sh)\b/],
  ['git has ended', 'agent', 'exit', /^\d+ (git|sh)\b/, true],
  ['bash is started', 'agent', 'spawn', /bash/],
  ['bash has ended', 'agent', 'exit', /bash/],
  ['line is sent to Redis', 'agent', 'write', new RegExp(`${marker}(?!")`)],
]

/** What comes after it is not waited for. */
const end = 'line is read'

export default {
  summary: 'Where the milliseconds of a cold agent go, from enqueue to the first line',
  run: ({ n = 30, signal }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const folder = join(open.folder, 'events')
      mkdirSync(folder)
      const hook = pathToFileURL(join(import.meta.dirname, 'parts/probe.ts')).href
      const pool = await benchPool(open, { max: 2, warm: 0 }, { RAIBID_PROBE: folder, NODE_OPTIONS: `--import=${hook}` })
      const repo = echoRepo(open)
      const supervisor = String(pool.supervisor())
      /** By milestone, how long after the enqueue it was passed in each run. */
      const passed = new Map<string, number[]>()
      for (let i = -2; i < n; i++) {
        signal.throwIfAborted()
        await rest(pool)
        const begin = performance.timeOrigin + performance.now()
        const took = await untilLine(pool, specOf(repo), marker)
        if (i < 0) continue
        const events = eventsSince(folder, begin, supervisor)
        for (const [name, of, kind, text, last] of milestones) {
          const fits = (one: Event): boolean => one.kind === kind && text.test(one.text)
          const event = last ? events[of].findLast(fits) : events[of].find(fits)
          if (event) passed.set(name, [...(passed.get(name) ?? []), event.at - begin])
        }
        passed.set(end, [...(passed.get(end) ?? []), took])
      }
      const whole = percentile(passed.get(end)!, 0.5)
      const inOrder = [...passed]
        .filter(([, at]) => at.length === n && percentile(at, 0.5) <= whole)
        .sort(([, a], [, b]) => percentile(a, 0.5) - percentile(b, 0.5))
      const parts = inOrder.map(([name, at], i) => {
        const before = inOrder[i - 1]?.[1]
        return series(`→ ${name}`, 'ms', before ? at.map((ms, run) => ms - before[run]!) : at)
      })
      return {
        series: [...parts, series('all', 'ms', passed.get(end)!)],
        ratios: [],
        goals: [],
        notes: [
          'Each line is the time since the line above it. A preload in supervisor and agent notes when programs are started and end, and what goes over the sockets; its own loading is a line of the table, and is not there in the bench `latency`.',
          'What runs side by side shows as a small step: an import that takes as long as git is not seen where git is waited for.',
        ],
      }
    }),
} satisfies Bench

/** What the supervisor and the one agent of a run noted. */
function eventsSince(folder: string, begin: number, supervisor: string): Record<'agent' | 'supervisor', Event[]> {
  const found: Record<'agent' | 'supervisor', Event[]> = { agent: [], supervisor: [] }
  for (const pid of readdirSync(folder)) {
    for (const line of readFileSync(join(folder, pid), 'utf8').trim().split('\n')) {
      const [at, kind = '', text = ''] = line.split('\t')
      if (Number(at) > begin) found[pid === supervisor ? 'supervisor' : 'agent'].push({ at: Number(at), kind, text })
    }
  }
  return found
}
