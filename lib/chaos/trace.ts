import type { Change, Facts } from './facts.ts'
import type { Violation } from './audit.ts'

/** Something that the harness did, for the traces. */
export interface Note {
  at: number
  text: string
  /** The job it was done to; absent: to all. */
  job?: string
}

/** The history of one job: every transition with time, attempt and actor, and what was done to it or to all meanwhile. */
export function trace(job: string, changes: readonly Change[], notes: readonly Note[]): string {
  const own = changes.filter((change) => change.job === job)
  const [from, to] = [own[0]?.at ?? 0, own.at(-1)?.at ?? 0]
  const lines = [
    ...own.map(({ at, state, attempt, actor, reason }) => ({
      at,
      text: `${state.padEnd(10)} attempt ${attempt}  by ${actor}${reason ? `: ${reason}` : ''}`,
    })),
    ...notes
      .filter((note) => note.job === job || (!note.job && note.at >= from && note.at <= to))
      .map(({ at, text }) => ({ at, text: `⚡ ${text}` })),
  ].sort((a, b) => a.at - b.at)
  return lines
    .map(({ at, text }) => `  ${new Date(at).toISOString().slice(11, 23)}  +${String(at - from).padStart(6)} ms  ${text}`)
    .join('\n')
}

/** The trace of the violated job that took the fewest lines; null when no violation is about a job. */
export function shortestTrace(
  violations: readonly Violation[],
  facts: Pick<Facts, 'jobs'>,
  notes: readonly Note[],
): string | null {
  const traces = violations.flatMap((violation) => {
    const job = facts.jobs.find(({ id }) => id === violation.job)
    return job ? [{ violation, text: trace(job.id, job.changes, notes) }] : []
  })
  const [shortest] = traces.sort((a, b) => a.text.split('\n').length - b.text.split('\n').length)
  return shortest
    ? `${shortest.violation.job} (${shortest.violation.invariant}): ${shortest.violation.text}\n${shortest.text}`
    : null
}
