import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { root } from '#lib/config.ts'
import { alternate, goal, ratio, series, type Bench, type Findings } from './harness.ts'
import { benchPool, enqueue, followed, rest, specOf, type BenchPool } from './parts/pool.ts'
import { repoOf } from './parts/repos.ts'
import { scratch } from './parts/scratch.ts'
import { percentile } from './stats.ts'

/** 14 MB: below the 16 MiB at which a log is cut. */
const lines = 200_000
const flood = `seq -f 'line %07.0f of a build that prints as fast as it can, 68 bytes long' ${lines}`
const expected = createHash('sha256')
for (let i = 1; i <= lines; i++)
  expected.update(`line ${String(i).padStart(7, '0')} of a build that prints as fast as it can, 68 bytes long\n`)
const wanted = expected.digest('hex')

/** A line now and then, each with the time at which bash wrote it; 37 ms, so that no clock of ours keeps step with it. */
const trickle = (count: number): string => `for i in $(seq ${count}); do echo "at $EPOCHREALTIME"; sleep 0.037; done`

export default {
  summary: 'A build’s output on its way to a reader: how much of it, and how late; beside a bare pipe',
  run: ({ n = 10, signal, say }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const pool = await benchPool(open, { max: 1, warm: 0 })
      const flooding = specOf(repoOf(open, 'flood', flood))
      const rates = await alternate({ agent: () => shipped(pool, flooding), pipe: () => piped(flood) }, n, { signal })
      say('line → tail')
      const late: Record<'agent' | 'pipe', number[]> = { agent: [], pipe: [] }
      const rounds = 3
      const script = trickle(Math.max(10, 5 * n))
      const trickling = specOf(repoOf(open, 'trickle', script))
      for (let i = 0; i < rounds; i++) {
        signal.throwIfAborted()
        late.agent.push(...(await tailed(pool, trickling)))
        late.pipe.push(...(await delays(['bash', ['-c', script]])))
      }
      const mb = (lineRate: number): number => (lineRate * 69) / 1e6
      return {
        series: [
          series('agent → live reader', 'lines/s', rates.agent),
          series('bare pipe', 'lines/s', rates.pipe),
          series('agent → live reader: volume', 'MB/s', rates.agent.map(mb)),
          series('line → tail', 'ms', late.agent),
          series('line → bare pipe', 'ms', late.pipe),
        ],
        ratios: [ratio('agent', 'pipe (lines/s)', rates.agent, rates.pipe)],
        goals: [
          goal('log, lossless', { atLeast: 100_000 }, percentile(rates.agent, 0.5), 'lines/s'),
          goal('line → tail, p95', { atMost: 100 }, percentile(late.agent, 0.95), 'ms'),
        ],
        notes: [
          `Throughput: a step that prints ${lines.toLocaleString('en')} lines of 69 bytes by \`seq\`; from its mark in the live reader’s hand to its last line there. Every byte is compared (SHA-256), so a lost, doubled or displaced line fails the bench. Bare pipe: the same command, read by node, which counts its bytes.`,
          'line → tail: a step that prints a line each 37 ms with bash’s own clock in it; until `tail`, a process of its own, has written it. Bare pipe: the same script, read by node.',
        ],
      }
    }),
} satisfies Bench

/** Lines per second, from the begin of the step to its last line, both as a live reader sees them. */
async function shipped(pool: BenchPool, spec: ReturnType<typeof specOf>): Promise<number> {
  await rest(pool)
  const id = await enqueue(pool, spec)
  const got = createHash('sha256')
  let [begin, end, inStep] = [0, 0, false]
  await followed(pool, id, (entry) => {
    if (entry.kind === 'step' && !entry.phase) [begin, inStep] = [performance.now(), true]
    if (entry.kind !== 'out' || !inStep) return
    got.update(entry.text)
    end = performance.now()
  })
  if (got.digest('hex') !== wanted) throw new Error(`the log of ${id} is not what its step printed`)
  return (lines / (end - begin)) * 1000
}

async function piped(script: string): Promise<number> {
  const begin = performance.now()
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length))
  await once(child, 'close')
  if (bytes !== lines * 69) throw new Error(`the pipe gave ${bytes} bytes`)
  return (lines / (performance.now() - begin)) * 1000
}

/** What a job's lines took to `tail`'s output. */
async function tailed(pool: BenchPool, spec: ReturnType<typeof specOf>): Promise<number[]> {
  await rest(pool)
  const id = await enqueue(pool, spec)
  const late = await delays([process.execPath, [join(root, 'tasks/jobs/tail.ts'), id]], { ...process.env, ...pool.env })
  await followed(pool, id)
  return late
}

/** Runs a command; gives, of each line `at <seconds>` that it writes, how long ago that was, ms. */
async function delays([command, args]: [string, string[]], env = process.env): Promise<number[]> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
  const found: number[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    const now = performance.timeOrigin + performance.now()
    for (const [, at] of String(chunk).matchAll(/at ([\d.]+)\n/g)) found.push(now - Number(at) * 1000)
  })
  await once(child, 'close')
  // the first lines may have been printed before tail was there
  return found.slice(Math.ceil(found.length / 5))
}
