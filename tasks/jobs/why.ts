#!/usr/bin/env node
/** Say in one line why a job waits, is slow, or failed. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { RaibidError } from '#lib/errors.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { explain } from '#lib/jobs/why/explain.ts'
import { factsOf } from '#lib/jobs/why/facts.ts'

export const spec = {
  name: 'why',
  group: 'jobs',
  summary: 'Say in one line why a job waits, is slow, or failed',
  positionals: [{ name: 'job', description: 'id, a tail of it, @latest (default) or @failed' }],
  flags: { json: { type: 'boolean', description: 'print { id, state, why }' } },
  examples: ['just why', 'just why @failed'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const open = await openQueue()
  const id = await nameToId(open.reader, args.job ?? '@latest')
  const job = await open.reader.job(id)
  if (!job) throw new RaibidError(`job ${id} has been forgotten meanwhile`)
  const why = explain(job, await factsOf(open, job))
  if (args.json) printJson({ id, state: job.state, why })
  else print(safe(why))
  return 0
}

if (import.meta.main) await main(spec, run)
