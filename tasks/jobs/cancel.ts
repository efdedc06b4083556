#!/usr/bin/env node
/** Cancel jobs that wait or run. */
import { userInfo } from 'node:os'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
import { producer } from '#lib/queue/producer.ts'
import { isFinal, type JobState } from '#lib/queue/types.ts'

export const spec = {
  name: 'cancel',
  group: 'jobs',
  summary: 'Cancel jobs that wait or run',
  positionals: [{ name: 'jobs', description: 'ids, tails of ids, @latest', required: true, variadic: true }],
  flags: { json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just cancel 7QK2', 'just cancel @latest'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const open = await openQueue()
  const ids = await Promise.all(args.jobs.map((name) => nameToId(open.reader, name)))
  const jobs = producer(open.redis, open.limits, open.pools)
  const results = []
  for (const id of new Set(ids)) {
    const { before, after } = await jobs.cancel(id, `cancelled by ${userInfo().username}`)
    results.push({ id, before, after })
    if (args.json) continue
    if (before === 'running') ok(`job ${shortId(id)} is being cancelled`)
    else if (isFinal(before as JobState)) info(`job ${shortId(id)} was ${before} already`)
    else ok(`job ${shortId(id)} cancelled; it was ${before}`)
    print(id)
  }
  if (args.json) printJson(results)
  return 0
}

if (import.meta.main) await main(spec, run)
