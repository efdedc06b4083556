import { makeJob, type JobKind, type PlannedJob } from './jobs.ts'
import { laneOf, type FaultKind, type Lane } from './kinds.ts'
import { random, type Random } from './random.ts'

/** One fault of a round: what, when, and its own numbers. */
export interface PlannedFault {
  n: number
  kind: FaultKind
  lane: Lane
  /** Not before so many of the round's jobs are on the queue, so that it has something to hit. */
  afterJobs: number
  /** Not before this long after the fault that precedes it in its lane, ms. */
  gapMs: number
  /** What the fault itself draws from: where to hit, how long. */
  seed: number
  /** A job made for this fault alone. */
  job: PlannedJob | null
}

export interface Schedule {
  seed: number
  jobs: PlannedJob[]
  faults: PlannedFault[]
}

/** What the jobs nobody singles out are like, in hundredths. */
const mix: readonly (readonly [JobKind, number])[] = [
  ['short', 62],
  ['failing', 12],
  ['forking', 8],
  ['long', 12],
  ['loud', 6],
]

/** Faults that bring a job of their own. */
const own: Partial<Record<FaultKind, JobKind>> = {
  'poison-job': 'poison',
  'cancel-before-claim': 'short',
  'cancel-running': 'long',
  'cancel-at-finish': 'short',
  'enqueue-twice': 'short',
  'job-deleted': 'long',
}

/**
 * A whole round from its seed and its numbers alone: the same seed gives the same jobs and faults. Every kind comes up once before any comes
 * up again. There are never fewer jobs than the faults bring themselves.
 */
export function schedule(options: { seed: number; jobs: number; faults: number; kinds: readonly FaultKind[] }): Schedule {
  const { seed, kinds } = options
  const dice = random(seed)
  const drawn = kinds.length ? deck(dice, kinds, options.faults) : []
  const rest = Math.max(0, options.jobs - drawn.filter((kind) => own[kind]).length)
  const faults = drawn.map((kind, n): PlannedFault => {
    const job = own[kind] ? makeJob(`f${n}`, own[kind], dice) : null
    const afterJobs = Math.floor((n / drawn.length) * rest)
    return { n, kind, lane: laneOf[kind], afterJobs, gapMs: dice.whole(100, 1500), seed: dice.whole(0, 2 ** 31), job }
  })
  const jobs = Array.from({ length: rest }, (_, n) => makeJob(`j${n}`, weighted(dice), dice))
  return { seed, jobs, faults }
}

function deck(dice: Random, kinds: readonly FaultKind[], count: number): FaultKind[] {
  const cards: FaultKind[] = []
  while (cards.length < count) cards.push(...dice.shuffle(kinds))
  return cards.slice(0, count)
}

function weighted(dice: Random): JobKind {
  let rest = dice.whole(1, 100)
  for (const [kind, share] of mix) if ((rest -= share) <= 0) return kind
  return 'short'
}
