#!/usr/bin/env node
/** List jobs, newest first. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { ago } from '#lib/cli/time.ts'
import { UsageError } from '#lib/errors.ts'
import { jobTable } from '#lib/jobs/job-table.ts'
import { openQueue } from '#lib/jobs/open.ts'
import { publicJob } from '#lib/jobs/show.ts'
import { jobStates, type JobState } from '#lib/queue/types.ts'
import { parseRepo } from '#lib/repo.ts'

export const spec = {
  name: 'jobs',
  group: 'jobs',
  summary: 'List jobs, newest first',
  flags: {
    state: { type: 'list', description: `only jobs in this state; may be repeated`, placeholder: '<state>', choices: jobStates },
    repo: { type: 'string', description: 'only jobs of this repository (URL or path)', placeholder: '<repo>' },
    limit: { type: 'number', description: 'how many at the most', default: 20, min: 1 },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just jobs', 'just jobs --state failed --limit 5', 'just jobs --repo . --json'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  if (args.limit > 10_000) throw new UsageError('--limit: at most 10000')
  const repo = args.repo ? parseRepo(args.repo).url : undefined
  const { reader, pools } = await openQueue()
  const states = args.state.length ? (args.state as JobState[]) : undefined
  const jobs = await reader.jobs({ ...(states && { states }), ...(repo && { repo }), limit: args.limit }, pools)
  if (args.json) printJson(jobs.map(publicJob))
  else if (jobs.length) print(jobTable(jobs, [{ title: 'CREATED', value: (job) => ago(job.createdAt) }]))
  else info('no jobs')
  return 0
}

if (import.meta.main) await main(spec, run)
