#!/usr/bin/env node
/** Run finished jobs again. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { fail, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { passedSteps } from '#lib/jobs/passed-steps.ts'
import { shortId } from '#lib/jobs/show.ts'
import { producer } from '#lib/queue/producer.ts'
import type { PassedStep } from '#lib/queue/types.ts'

export const spec = {
  name: 'retry',
  group: 'jobs',
  summary: 'Run finished jobs again',
  positionals: [{ name: 'jobs', description: 'ids, tails of ids, @latest or @failed (default)', variadic: true }],
  flags: {
    'failed-only': {
      type: 'boolean',
      description: 'leave out what has passed, where no later step needs it (the languages know; `independent` in .raibid.yaml)',
    },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just retry', 'just retry 7QK2 9ZAB', 'just retry --failed-only'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const open = await openQueue()
  const names = args.jobs.length ? args.jobs : ['@failed']
  const ids = await Promise.all(names.map((name) => nameToId(open.reader, name)))
  const jobs = producer(open.redis, open.limits, open.pools)
  const results = []
  for (const id of new Set(ids)) {
    const job = args.failedOnly ? await open.reader.job(id) : null
    const passed = job ? passedSteps(job) : []
    const { before, done } = await jobs.retry(id, undefined, passed)
    results.push({ id, before, done, ...(job && { leftOut: passed.map(({ name }) => name) }) })
    if (args.json) continue
    if (done) {
      ok(`job ${shortId(id)} (${before}) runs again${job ? without(passed) : ''}`)
      print(id)
    } else fail(`job ${shortId(id)} is ${before}: only a finished job can be retried`)
  }
  if (args.json) printJson(results)
  return results.every((one) => one.done) ? 0 : 1
}

const without = (passed: PassedStep[]): string =>
  passed.length
    ? `, without what has passed: ${passed.map(({ name }) => name).join(', ')}`
    : ', whole: no step that passed stands alone'

if (import.meta.main) await main(spec, run)
