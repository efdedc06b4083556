import colours from 'picocolors'
import { wantsColour } from '#lib/cli/log.ts'
import { table, type Column } from '#lib/cli/table.ts'
import { formatDuration } from '#lib/duration.ts'
import type { Job } from '#lib/queue/types.ts'
import { colourOf, duration, shortId, shortRepo } from './show.ts'

/** Jobs as a table, a line each; `more` adds columns before the reason. */
export function jobTable(jobs: readonly Job[], more: readonly Column<Job>[] = []): string {
  const paint = colours.createColors(wantsColour(1))
  return table(jobs, [
    { title: 'JOB', value: (job) => shortId(job.id) },
    { title: 'STATE', value: (job) => job.state, style: (cell, job) => paint[colourOf(job.state)](cell) },
    { title: 'REPOSITORY', value: (job) => shortRepo(job.repo) },
    { title: 'BRANCH', value: (job) => job.branch },
    { title: 'COMMIT', value: (job) => job.commit.slice(0, 7) },
    { title: 'TRY', value: (job) => job.attempt },
    {
      title: 'TIME',
      value: (job) => {
        const ms = duration(job)
        return ms === null ? '' : formatDuration(ms)
      },
    },
    ...more,
    { title: 'REASON', value: (job) => job.reason },
  ])
}
