#!/usr/bin/env node
/** Run finished jobs again. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { fail, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
import { producer } from '#lib/queue/producer.ts'

export const spec = {
  name: 'retry',
  group: 'jobs',
  summary: 'Run finished jobs again',
  positionals: [{ name: 'jobs', description: 'ids, tails of ids, @latest or @failed (default)', variadic: true }],
  flags: { json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just retry', 'just retry 7QK2 9ZAB'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const open = await openQueue()
  const names = args.jobs.length ? args.jobs : ['@failed']
  const ids = await Promise.all(names.map((name) => nameToId(open.reader, name)))
  const jobs = producer(open.redis, open.limits, open.pools)
  const results = []
  for (const id of new Set(ids)) {
    const { before, done } = await jobs.retry(id)
    results.push({ id, before, done })
    if (args.json) continue
    if (done) {
      ok(`job ${shortId(id)} (${before}) runs again`)
      print(id)
    } else fail(`job ${shortId(id)} is ${before}: only a finished job can be retried`)
  }
  if (args.json) printJson(results)
  return results.every((one) => one.done) ? 0 : 1
}

if (import.meta.main) await main(spec, run)
