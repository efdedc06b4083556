#!/usr/bin/env node
/** Measure, side by side with a floor or a peer. */
import { writeFileSync } from 'node:fs'
import { basename, isAbsolute, resolve } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { UsageError } from '#lib/errors.ts'

export const spec = {
  name: 'bench',
  group: 'check',
  summary: 'Measure, side by side with a floor or a peer',
  positionals: [{ name: 'name', description: 'queue, latency, log, …; default: all of them', variadic: true }],
  flags: {
    n: { type: 'number', description: 'runs of each kind; default: what each bench needs', placeholder: '<n>', min: 1 },
    json: { type: 'boolean', description: 'print the results as one JSON document' },
    out: { type: 'string', description: 'write them to this file, and not to test/bench/results/', placeholder: '<file>' },
    crate: { type: 'string', description: 'a real Rust crate for `build`: a git repository', placeholder: '<folder>' },
    package: { type: 'string', description: 'a real Node package for `build`: a git repository', placeholder: '<folder>' },
    docs: { type: 'boolean', description: 'measure nothing; write docs/performance.md from the results that are kept' },
  },
  examples: ['just bench', 'just bench latency --n 100', 'just bench start --n 5 --json --out /tmp/start.json'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const { benchNames, keep, runBench } = await import('#test/bench/result.ts')
  const { writePerformance } = await import('#test/bench/docs.ts')
  if (args.docs) {
    writePerformance()
    return ok('docs/performance.md written.')
  }
  const known = benchNames()
  const unknown = args.name.filter((name) => !known.includes(name))
  if (unknown.length) throw new UsageError(`there is no bench ${unknown.join(', ')}; known: ${known.join(', ')}`)
  const { report } = await import('#test/bench/report.ts')
  // what is kept is read elsewhere: where a repository lies on this machine says nothing there
  const command = ['just bench', ...process.argv.slice(2).map((arg) => (isAbsolute(arg) ? basename(arg) : arg))].join(' ')
  // whatever is measured must be able to tidy up before the task ends
  signal.addEventListener('abort', () => info('stopping …'))
  const results = []
  for (const name of args.name.length ? args.name : known) {
    step(`${name} …`)
    const { n, crate = process.env['RAIBID_BENCH_CRATE'], package: node = process.env['RAIBID_BENCH_PACKAGE'] } = args
    const result = await runBench(name, command, { n, signal, say: info, crate, node })
    results.push(result)
    if (!args.json) print(report(result))
    if (!args.out) keep(result)
  }
  if (args.json) printJson(results)
  if (args.out) writeFileSync(resolve(args.out), `${JSON.stringify(results, null, 2)}\n`)
  else {
    writePerformance()
    ok('kept in test/bench/results/; docs/performance.md written from it')
  }
}

if (import.meta.main) await main(spec, run)
