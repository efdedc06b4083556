#!/usr/bin/env node
/** Let held jobs run. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { fail, info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { jobTable } from '#lib/jobs/job-table.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
import { producer } from '#lib/queue/producer.ts'

export const spec = {
  name: 'approve',
  group: 'jobs',
  summary: 'Let held jobs run: pull requests from forks, once you have looked at them',
  positionals: [{ name: 'jobs', description: 'ids or tails of ids; none: list what is held', variadic: true }],
  flags: { json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just approve', 'just approve 7QK2'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const open = await openQueue()
  if (args.jobs.length === 0) {
    const held = await open.reader.jobs({ states: ['held'], limit: 100 }, open.pools)
    if (args.json) printJson(held.map(({ id, reason }) => ({ id, reason })))
    else if (held.length) print(jobTable(held, [{ title: 'REASON', value: (job) => job.reason }]))
    else info('nothing is held')
    return 0
  }
  const ids = await Promise.all(args.jobs.map((name) => nameToId(open.reader, name)))
  const jobs = producer(open.redis, open.limits, open.pools)
  const results = []
  for (const id of new Set(ids)) {
    const before = (await open.reader.job(id))?.state
    const after = await jobs.admit(id)
    results.push({ id, before, after })
    if (args.json) continue
    if (before === 'held') ok(`job ${shortId(id)} runs`)
    else fail(`job ${shortId(id)} is ${after}: only a held job can be approved`)
  }
  if (args.json) printJson(results)
  return results.every(({ before }) => before === 'held') ? 0 : 1
}

if (import.meta.main) await main(spec, run)
