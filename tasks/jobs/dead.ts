#!/usr/bin/env node
/** List, retry or drop the jobs that were given up. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { jobTable } from '#lib/jobs/job-table.ts'
import { nameToId, openQueue, type Open } from '#lib/jobs/open.ts'
import { publicJob, shortId } from '#lib/jobs/show.ts'
import { producer } from '#lib/queue/producer.ts'

export const spec = {
  name: 'dead',
  group: 'jobs',
  summary: 'List, retry or drop the jobs that were given up',
  positionals: [
    { name: 'verb', description: 'list (default), retry or drop' },
    { name: 'jobs', description: 'ids or tails of ids', variadic: true },
  ],
  flags: {
    all: { type: 'boolean', description: 'retry or drop every dead job' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just dead', 'just dead retry 7QK2', 'just dead drop --all'],
} satisfies Spec

const most = 10_000

export async function run(args: Args<typeof spec>): Promise<number> {
  const verb = args.verb ?? 'list'
  if (verb !== 'list' && verb !== 'retry' && verb !== 'drop') throw new UsageError(`"${verb}" is not list, retry or drop`)
  if (verb !== 'list' && !args.jobs.length && !args.all) throw new UsageError(`which? name jobs to ${verb}, or give --all`)
  const open = await openQueue()
  if (verb === 'list') return list(open, args.json)
  const named = await Promise.all(args.jobs.map((name) => nameToId(open.reader, name)))
  const ids = args.all ? (await open.reader.jobs({ states: ['dead'], limit: most }, open.pools)).map((job) => job.id) : named
  const jobs = producer(open.redis, open.limits, open.pools)
  const done: string[] = []
  for (const id of new Set(ids)) {
    const state = (await open.reader.job(id))?.state
    if (state !== 'dead') throw new RaibidError(`job ${shortId(id)} is ${state ?? 'forgotten'}, not dead; nothing was done to it`)
    if (verb === 'retry') await jobs.retry(id)
    else await jobs.drop(id)
    done.push(id)
    if (!args.json) ok(`job ${shortId(id)} ${verb === 'retry' ? 'runs again' : 'dropped'}`)
  }
  if (args.json) printJson(done)
  else done.forEach(print)
  return 0
}

async function list({ reader, pools }: Open, json: boolean): Promise<number> {
  const jobs = await reader.jobs({ states: ['dead'], limit: most }, pools)
  if (json) printJson(jobs.map(publicJob))
  else if (jobs.length) print(jobTable(jobs))
  else info('no job was given up')
  return 0
}

if (import.meta.main) await main(spec, run)
