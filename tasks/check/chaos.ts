#!/usr/bin/env node
/** Break things on purpose while jobs run, and audit that nothing is lost. */
import { existsSync } from 'node:fs'
import type { Args, Spec } from '#lib/cli/args.ts'
import { fail, info, ok, print, printJson, step, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { faultKinds, type FaultKind } from '#lib/chaos/kinds.ts'
import { UsageError } from '#lib/errors.ts'

export const spec = {
  name: 'chaos',
  group: 'check',
  summary: 'Break things on purpose while jobs run, and audit that nothing is lost',
  flags: {
    jobs: { type: 'number', description: 'how many jobs run meanwhile', default: 1000, min: 1 },
    faults: { type: 'number', description: 'how many faults there are', default: 200 },
    seed: { type: 'number', description: 'decides all jobs and faults; default: a new one' },
    only: { type: 'string', placeholder: '<kind,…>', description: `only these faults: ${faultKinds.join(', ')}` },
    json: { type: 'boolean', description: 'print the scoreboard as one JSON document' },
    keep: { type: 'boolean', description: 'leave the folder with the pool’s log behind' },
  },
  examples: ['just chaos --jobs 60 --faults 20', 'just chaos --seed 42 --only redis-killed,outage'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const kinds = chosen(args.only)
  const seed = args.seed ?? Math.floor(Math.random() * 1_000_000)
  const { runRound } = await import('#lib/chaos/round.ts')
  const { scoreboard } = await import('#lib/chaos/scoreboard.ts')
  const { jobs, faults, keep } = args
  const { score, trace, folder } = await runRound({ jobs, faults, seed, kinds, keep, signal, say: step })
  for (const [kind, why] of Object.entries(score.skipped)) warn(`skipped: ${kind} (${why})`)
  if (args.json) printJson(score)
  else print(scoreboard(score))
  if (existsSync(folder)) info(`left behind: ${folder}`)
  if (score.violations === 0) {
    ok('nothing was lost')
    return 0
  }
  for (const { invariant, job, text } of score.details.slice(0, 20)) fail(`${invariant}: ${job ?? ''} ${text}`)
  if (trace) info(`the shortest trace:\n${trace}`)
  fail(`${score.violations} violations; again with: just chaos --jobs ${jobs} --faults ${faults} --seed ${seed}`)
  return 1
}

function chosen(only: string | undefined): FaultKind[] {
  if (!only) return faultKinds
  const names = only.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !(faultKinds as string[]).includes(name))
  if (unknown.length) throw new UsageError(`--only: there is no fault ${unknown.join(', ')}; known: ${faultKinds.join(', ')}.`)
  return names as FaultKind[]
}

if (import.meta.main) await main(spec, run)
