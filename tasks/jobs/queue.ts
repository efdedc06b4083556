#!/usr/bin/env node
/** Show what waits, runs, is delayed, held or dead, and the agents. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { ago, iso } from '#lib/cli/time.ts'
import { formatDuration } from '#lib/duration.ts'
import { jobTable } from '#lib/jobs/job-table.ts'
import { openQueue } from '#lib/jobs/open.ts'
import { publicJob, shortId } from '#lib/jobs/show.ts'
import { localLimits } from '#lib/pool/local-limits.ts'
import { poolNotes } from '#lib/queue/notes.ts'

export const spec = {
  name: 'queue',
  group: 'jobs',
  summary: 'Show what waits, runs, is delayed, held or dead, and the agents',
  flags: { json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just queue', 'just queue --json'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const { reader, pools, redis, config } = await openQueue()
  const [counted, totals, agents, jobs, notes] = await Promise.all([
    reader.counts(pools),
    reader.totals(),
    reader.agents(),
    reader.unfinished(pools),
    poolNotes(redis),
  ])
  // the limits of a pool that is not of this home are in its cluster; what is wrong there is in the notes
  const counts = counted.map((one) => {
    const { max = null, warm = null, paused = null } = localLimits(config, one.pool) ?? {}
    return { ...one, max, warm, paused, note: notes.find(({ pool }) => pool === one.pool)?.text ?? null }
  })
  if (args.json) {
    const shown = agents.map(({ beatAt, ...agent }) => ({ ...agent, beatAt: iso(beatAt) }))
    printJson({ pools: counts, held: totals.held, dead: totals.dead, agents: shown, jobs: jobs.map(publicJob) })
    return 0
  }
  print(
    table(counts, [
      { title: 'POOL', value: (one) => one.pool },
      { title: 'WAITING', value: (one) => one.pending },
      { title: 'RUNNING', value: (one) => one.running },
      { title: 'DELAYED', value: (one) => one.delayed },
      { title: 'MAX', value: (one) => one.max },
      { title: '', value: (one) => one.paused ?? one.note ?? '' },
    ]),
  )
  print(`\nheld ${totals.held}   dead ${totals.dead}`)
  if (jobs.length)
    print(
      `\n${jobTable(jobs, [
        { title: 'CREATED', value: (job) => ago(job.createdAt) },
        { title: 'AGAIN IN', value: (job) => (job.dueAt === null ? '' : formatDuration(Math.max(0, job.dueAt - Date.now()))) },
      ])}`,
    )
  if (agents.length) {
    const columns = [
      { title: 'AGENT', value: (one: (typeof agents)[number]) => one.agent },
      { title: 'POOL', value: (one: (typeof agents)[number]) => one.pool },
      { title: 'JOB', value: (one: (typeof agents)[number]) => (one.job ? shortId(one.job) : 'idle') },
      { title: 'BEAT', value: (one: (typeof agents)[number]) => ago(one.beatAt) },
    ]
    print(`\n${table(agents, columns)}`)
  } else info('no agents')
  return 0
}

if (import.meta.main) await main(spec, run)
