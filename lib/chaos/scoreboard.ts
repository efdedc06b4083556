import { table } from '#lib/cli/table.ts'
import { formatDuration } from '#lib/duration.ts'
import type { Violation } from './audit.ts'
import type { Facts } from './facts.ts'
import type { FaultKind } from './kinds.ts'

/** What became of one planned fault. `recoveryMs`: null when it did not recover, undefined when there was nothing to see it by. */
export interface FaultOutcome {
  kind: FaultKind
  hit: boolean
  recoveryMs: number | null | undefined
}

export interface Spread {
  n: number
  p50: number
  p95: number
  max: number
}

/** The document of `--json`. */
export interface Score {
  jobs: number
  faults: number
  seed: number
  lost: number
  doubleAccepted: number
  logLinesLost: number
  violations: number
  recoveryMs: Partial<Record<FaultKind, Spread>>
  /** Faults that found nothing to hit, and those that saw no recovery in time. */
  missed: Partial<Record<FaultKind, number>>
  unrecovered: Partial<Record<FaultKind, number>>
  skipped: Partial<Record<FaultKind, string>>
  states: Record<string, number>
  attempts: number
  samples: number
  durationMs: number
  details: Violation[]
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0)
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) }
}

export interface Outcome {
  seed: number
  facts: Facts
  violations: Violation[]
  faults: FaultOutcome[]
  skipped: Score['skipped']
  durationMs: number
}

/** The round in numbers. */
export function score({ seed, facts, violations, faults, skipped, durationMs }: Outcome): Score {
  const count = (...of: Violation['invariant'][]): number => violations.filter(({ invariant }) => of.includes(invariant)).length
  const byKind = Map.groupBy(faults, ({ kind }) => kind)
  const recoveryMs: Score['recoveryMs'] = {}
  const missed: Score['missed'] = {}
  const unrecovered: Score['unrecovered'] = {}
  for (const [kind, all] of byKind) {
    const hits = all.filter(({ hit }) => hit)
    const bad = hits.filter((fault) => fault.recoveryMs === null).length
    const times = hits.flatMap((fault) => fault.recoveryMs ?? [])
    if (times.length) recoveryMs[kind] = spread(times)
    if (hits.length < all.length) missed[kind] = all.length - hits.length
    if (bad) unrecovered[kind] = bad
  }
  return {
    jobs: facts.jobs.length,
    faults: faults.filter(({ hit }) => hit).length,
    seed,
    lost: count('lost'),
    doubleAccepted: count('one-result', 'stale-result', 'one-final-state', 'one-key-one-job'),
    logLinesLost: violations.reduce((sum, { linesLost = 0 }) => sum + linesLost, 0),
    violations: violations.length,
    recoveryMs,
    missed,
    unrecovered,
    skipped,
    states: Object.fromEntries([...Map.groupBy(facts.jobs, stateOf)].map(([state, jobs]) => [state, jobs.length])),
    attempts: facts.jobs.reduce((sum, { job }) => sum + (job?.attempt ?? 0), 0),
    samples: facts.samples.length,
    durationMs,
    details: violations,
  }
}

const stateOf = ({ job, deleted }: Facts['jobs'][number]): string => (deleted ? 'deleted' : (job?.state ?? 'lost'))

/** The same for a person. */
export function scoreboard(score: Score): string {
  const kinds = [
    ...new Set([score.recoveryMs, score.missed, score.unrecovered].flatMap((one) => Object.keys(one) as FaultKind[])),
  ].sort()
  const faults = table(kinds, [
    { title: 'FAULT', value: (kind) => kind },
    { title: 'HIT', value: (kind) => (score.recoveryMs[kind]?.n ?? 0) + (score.unrecovered[kind] ?? 0) },
    { title: 'MISSED', value: (kind) => score.missed[kind] ?? 0 },
    { title: 'P50 MS', value: (kind) => score.recoveryMs[kind]?.p50 },
    { title: 'P95 MS', value: (kind) => score.recoveryMs[kind]?.p95 },
    { title: 'MAX MS', value: (kind) => score.recoveryMs[kind]?.max },
    { title: 'NOT RECOVERED', value: (kind) => score.unrecovered[kind] ?? 0 },
  ])
  const states = Object.entries(score.states).map(([state, n]) => `${n} ${state}`)
  return [
    faults,
    '',
    ...Object.entries(score.skipped).map(([kind, why]) => `skipped: ${kind} (${why})`),
    `seed ${score.seed}: ${score.jobs} jobs (${states.join(', ')}) in ${score.attempts} attempts, ${score.faults} faults, ${score.samples} samples, ${formatDuration(score.durationMs)}`,
    `${score.lost} lost, ${score.doubleAccepted} accepted twice, ${score.logLinesLost} log lines lost, ${score.violations} violations`,
  ].join('\n')
}
