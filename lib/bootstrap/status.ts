import type { Component } from '#lib/cluster/component.ts'
import { table } from '#lib/cli/table.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { formatDuration } from '#lib/duration.ts'
import type { Seen } from './look.ts'
import type { ClusterState, StateName } from './state.ts'

/** One component as it is, and as it was last noted. */
export interface StatusRow {
  name: string
  title: string
  state: StateName
  reason: string | null
  evidence: readonly string[]
  /** ms since 1970; null: not noted. */
  since: number | null
}

/** What was found, with what only the notes know: that something is being done about it, or that a person has been called. */
export function statusRows(
  ordered: readonly Component[],
  found: ReadonlyMap<string, Seen>,
  { components }: ClusterState,
): StatusRow[] {
  return ordered.map(({ name, title }) => {
    const seen = found.get(name)!
    const noted = components[name]
    const isNoted = seen.state !== 'healthy' && noted && ['deploying', 'repairing', 'failed', 'needs-human'].includes(noted.state)
    const state = isNoted ? noted.state : seen.state
    const since = noted && (isNoted || noted.state === seen.state) ? noted.since : null
    return { name, title, state, reason: seen.reason ?? (isNoted ? noted.reason : null), evidence: seen.evidence ?? [], since }
  })
}

/** Everything is well; what was never asked for doesn't count. */
export const allWell = (rows: readonly StatusRow[]): boolean => rows.every(({ state }) => state === 'healthy')

/** The table, and under it what shows that something is wrong. */
export function statusText(rows: readonly StatusRow[], now: number): string {
  const lines = table(rows, [
    { title: 'COMPONENT', value: ({ name }) => name },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'FOR', value: ({ since }) => (since === null ? '' : formatDuration(Math.max(0, now - since))) },
    { title: 'WHAT', value: ({ reason }) => reason },
  ])
  const shown = rows.flatMap(({ name, evidence }) => evidence.map((line) => `  ${name}: ${safe(line)}`))
  return [lines, ...shown].join('\n')
}
