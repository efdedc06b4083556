import type { Component } from '#lib/cluster/component.ts'
import type { Seen } from './look.ts'
import { emptyRecord, type ClusterState, type ComponentRecord } from './state.ts'

/** How much repairing is done before a person is called. Times are milliseconds. */
export interface RepairLimits {
  /** The first wait after a repair that failed; doubled by each further one. */
  firstWaitMs: number
  longestWaitMs: number
  /** So many failed repairs in a row, and a person is called. */
  failures: number
  /** So many repairs that worked within this time, and did not last: a person is called. */
  thrash: { repairs: number; withinMs: number }
}

export const repairLimits: RepairLimits = {
  firstWaitMs: 10_000,
  longestWaitMs: 600_000,
  failures: 5,
  thrash: { repairs: 3, withinMs: 3_600_000 },
}

/** What is to be done about one component, and why. */
export interface Decision {
  name: string
  what: 'well' | 'repair' | 'later' | 'held' | 'not wanted' | 'call' | 'waits for a person'
  reason: string | null
}

/** What to do about each component, from what is known and what was found. Nothing is repaired on ground that isn't firm. */
export function decide(
  components: readonly Component[],
  found: ReadonlyMap<string, Seen>,
  state: ClusterState,
  now: number,
  limits: RepairLimits = repairLimits,
): Decision[] {
  return components.map((one) => {
    const seen = found.get(one.name)!
    const firm = (need: string): boolean => found.get(need)?.state === 'healthy'
    const reasonOf = (need: string): string => found.get(need)?.reason ?? ''
    const record = state.components[one.name] ?? emptyRecord(now)
    return { name: one.name, ...decideOne(one, seen, record, { firm, reasonOf }, now, limits) }
  })
}

function decideOne(
  { needs }: Component,
  seen: Seen,
  record: ComponentRecord,
  { firm, reasonOf }: { firm: (need: string) => boolean; reasonOf: (need: string) => string },
  now: number,
  limits: RepairLimits,
): Omit<Decision, 'name'> {
  const reason = seen.reason ?? null
  if (seen.state === 'healthy') return { what: 'well', reason }
  if (!record.wanted) return { what: 'not wanted', reason: 'it was never installed here' }
  if (record.state === 'needs-human') return { what: 'waits for a person', reason: record.reason }
  const loose = needs.find((need) => !firm(need))
  if (loose) {
    const why = reasonOf(loose)
    return { what: 'held', reason: `waits for ${loose}${why ? `: ${why}` : ''}` }
  }
  if (record.failures >= limits.failures)
    return { what: 'call', reason: `${record.failures} repairs failed, the last one: ${record.reason ?? reason ?? 'no reason'}` }
  const lately = record.repaired.filter((at) => at > now - limits.thrash.withinMs && at <= now).length
  if (lately >= limits.thrash.repairs)
    return {
      what: 'call',
      reason: `repaired ${lately} times within ${limits.thrash.withinMs / 60_000} min, and broke again: ${reason}`,
    }
  // no wait is that long: the clock was set back meanwhile
  const ahead = record.notBefore - now
  if (ahead > 0 && ahead <= limits.longestWaitMs)
    return { what: 'later', reason: `the next try is in ${Math.ceil(ahead / 1000)} s` }
  return { what: 'repair', reason }
}

/** The wait after so many failures in a row, the latest included. */
export const waitAfter = (failures: number, { firstWaitMs, longestWaitMs }: RepairLimits): number =>
  Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(30, failures - 1))
