import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '#lib/config.ts'
import type { Bench, Context, Findings } from './harness.ts'
import { machine, versions, type Machine, type Versions } from './machine.ts'

/** One run of one bench, as it is kept. */
export interface Result extends Findings {
  bench: string
  summary: string
  command: string
  at: string
  tookS: number
  machine: Machine
  versions: Versions
}

const folder = join(root, 'test/bench')
const kept = (name: string): string => join(folder, 'results', `${name}.json`)

/** All benches, in the order in which docs/performance.md shows them; one that is not listed here comes last. */
const order = ['latency', 'profile', 'queue', 'log', 'build', 'start', 'burst', 'idle', 'growth']
const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)

export const benchNames = (): string[] =>
  globSync('*.bench.ts', { cwd: folder })
    .map((file) => basename(file, '.bench.ts'))
    .sort((a, b) => place(a) - place(b))

export async function runBench(name: string, command: string, context: Context): Promise<Result> {
  const { default: bench } = (await import(join(folder, `${name}.bench.ts`))) as { default: Bench }
  const about = { bench: name, summary: bench.summary, command, at: new Date().toISOString() }
  const where = { machine: machine(), versions: versions() }
  const begin = performance.now()
  const findings = await bench.run(context)
  return { ...about, tookS: Math.round((performance.now() - begin) / 100) / 10, ...where, ...findings }
}

export function keep(result: Result): void {
  mkdirSync(join(folder, 'results'), { recursive: true })
  writeFileSync(kept(result.bench), `${JSON.stringify(result, null, 2)}\n`)
}

/** The results that are kept, in order. */
export const keptResults = (): Result[] =>
  globSync('*.json', { cwd: join(folder, 'results') })
    .map((file) => JSON.parse(readFileSync(kept(basename(file, '.json')), 'utf8')) as Result)
    .sort((a, b) => place(a.bench) - place(b.bench))
