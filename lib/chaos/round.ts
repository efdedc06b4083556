import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal, type JobState } from '#lib/queue/types.ts'
import { audit } from './audit.ts'
import type { FaultContext } from './fault.ts'
import type { Facts } from './facts.ts'
import { gatherJobs } from './gather.ts'
import { logBound } from './jobs.ts'
import type { FaultKind } from './kinds.ts'
import { runLane } from './lanes.ts'
import { loadFault } from './load-fault.ts'
import { schedule } from './schedule.ts'
import { score, type FaultOutcome, type Score } from './scoreboard.ts'
import { settle } from './settle.ts'
import { shortestTrace } from './trace.ts'
import { chaosLimits, makeWorld, type World } from './world.ts'

export interface RoundOptions {
  jobs: number
  faults: number
  seed: number
  kinds: readonly FaultKind[]
  max?: number
  /** Leave the folder behind. */
  keep?: boolean
  signal: AbortSignal
  say: (text: string) => void
}

/** Jobs that may be unfinished at once before the next is put on the queue. */
const backlog = 10

/** One whole round: builds a world, breaks it by its schedule, waits until it is still, and audits. Nothing is left of it. */
export async function runRound(options: RoundOptions): Promise<{ score: Score; trace: string | null; folder: string }> {
  const { seed, signal, say, max = 4 } = options
  const begun = performance.now()
  const skipped: Score['skipped'] = {}
  for (const kind of options.kinds) {
    const missing = (await loadFault(kind)).missing?.()
    if (missing) skipped[kind] = missing
  }
  const kinds = options.kinds.filter((kind) => !skipped[kind])
  const planned = schedule({ seed, jobs: options.jobs, faults: options.faults, kinds })
  const world = await makeWorld({ max, workDisk: kinds.includes('disk-full'), signal })
  const stop = new AbortController()
  // heard, so that whoever was asked to stop waits for the end of what was started
  const stopAll = (): void => stop.abort(signal.reason)
  signal.addEventListener('abort', stopAll)
  if (signal.aborted) stopAll()
  const deleted = new Set<string>()
  try {
    say(`seed ${seed}: ${options.jobs} jobs, ${planned.faults.length} faults, at most ${max} agents, in ${world.folder}`)
    const progress = { started: 0, enqueued: 0 }
    const base = {
      ...world,
      redis: world.record.redis,
      limits: chaosLimits,
      deleted,
      signal: stop.signal,
    }
    const lane = (name: 'agents' | 'world'): Promise<FaultOutcome[]> =>
      runLane(
        planned.faults.filter((fault) => fault.lane === name),
        base satisfies Omit<FaultContext, 'planned' | 'dice' | 'note'>,
        world.notes,
        progress,
        say,
      )
    const [, ...outcomes] = await Promise.all([putOnQueue(world, planned, progress, stop.signal), lane('agents'), lane('world')])
    signal.throwIfAborted()
    const left = await settle(world, deleted, signal, say)
    signal.throwIfAborted()
    const facts = await gather(world, deleted, max, left)
    const violations = audit(facts)
    const durationMs = Math.round(performance.now() - begun)
    const result = score({ seed, facts, violations, faults: outcomes.flat(), skipped, durationMs })
    return { score: result, trace: shortestTrace(violations, facts, world.notes), folder: world.folder }
  } finally {
    stop.abort()
    signal.removeEventListener('abort', stopAll)
    await world.end(options.keep ?? false)
  }
}

/** Puts the jobs on the queue, no faster than they and the faults get on. */
async function putOnQueue(
  { enqueuer, record }: World,
  { jobs, faults }: ReturnType<typeof schedule>,
  progress: { started: number; enqueued: number },
  signal: AbortSignal,
): Promise<void> {
  const open = new Set<string>()
  const off = record.on(({ job, state }) => {
    if (isFinal(state as JobState) || state === 'gone') open.delete(job)
  })
  for (const [n, job] of jobs.entries()) {
    const allowed = (): number =>
      faults.length ? Math.ceil((jobs.length * (progress.started + 1)) / faults.length) + backlog : Infinity
    while (!signal.aborted && (open.size >= backlog || n >= allowed())) await sleep(10)
    signal.throwIfAborted()
    await enqueuer.enqueue(job, 1, (id) => open.add(id))
    progress.enqueued = n + 1
  }
  progress.enqueued = Infinity
  off()
}

async function gather(world: World, deleted: Set<string>, max: number, left: string[]): Promise<Facts> {
  const { record, enqueuer, effects } = world
  const ids = [...new Set(enqueuer.acknowledged.flatMap((one) => one.ids))]
  const known = new Set(ids)
  const { changes, samples, agents } = record
  const from = { redis: record.redis, plans: enqueuer.plans, changes, deleted, effects }
  return {
    max,
    logBound,
    acknowledged: enqueuer.acknowledged,
    jobs: await gatherJobs(ids, from),
    strangers: [...new Set(changes.map(({ job }) => job).filter((id) => !known.has(id)))],
    samples,
    agents,
    left,
  }
}
