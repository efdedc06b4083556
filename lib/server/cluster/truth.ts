import { poolStateOf } from '#lib/cluster/scaled-job-change.ts'
import { podReasons } from '#lib/cluster/reasons.ts'
import type { Job, Pod, ScaledJob } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { agentsToStart } from '#lib/pool/scaler.ts'
import type { PoolCounts } from '#lib/queue/reader.ts'
import { isFinished, isRunning, jobNameOf } from './pod-verdict.ts'

/** What there is to know of one pool. */
export interface PoolFacts {
  counts: PoolCounts
  scaledJob: ScaledJob | null
  /** All Jobs of its ScaledJob. */
  jobs: readonly Job[]
  pods: readonly Pod[]
  /** Since when work has waited without an agent being made for it; null: it doesn't. */
  owedSince: number | null
}

export interface Truth {
  /** Agents that KEDA's own formula would start now. */
  owed: number
  /** To be remembered for the next look. */
  owedSince: number | null
  /** Why work waits, when it waits for something that it should not; null: nothing is wrong. */
  text: string | null
  /** How many Jobs to create in KEDA's place. */
  create: number
}

/** How long work may wait for KEDA to create something, ms. */
export const owedAtMost = 15_000

/** A time and not a span: the sentence stays the same while it is true. */
const clock = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`
const agents = (n: number): string => `${n} agent${n === 1 ? '' : 's'}`

/**
 * Holds the queue, KEDA's view and the Jobs of a pool against each other. Agents are owed by the same formula as KEDA's
 * (lib/pool/scaler.ts); when nothing has been made of what is owed for longer than `bound`, we say why, and what to create.
 */
export function truthOf(
  pool: string,
  { counts, scaledJob, jobs, pods, owedSince }: PoolFacts,
  now: number,
  bound = owedAtMost,
): Truth {
  const waits = counts.pending > 0
  if (!scaledJob) {
    const text = `${counts.pending} waiting: there is no ScaledJob ${cluster.scaledJob(pool)} for the pool`
    return { owed: 0, owedSince: null, text: waits ? text : null, create: 0 }
  }
  const { max, warm, paused } = poolStateOf(scaledJob)
  if (paused !== null) return { owed: 0, owedSince: null, text: /^paused/.test(paused) ? paused : `paused: ${paused}`, create: 0 }
  const unfinished = jobs.filter((job) => !isFinished(job))
  const owed = agentsToStart({ entries: counts.entries, agents: unfinished.length, max, warm })
  if (!waits) return { owed, owedSince: null, text: null, create: 0 }
  if (owed === 0) return { owed, owedSince: null, text: startsSlowly(unfinished, pods, now, bound), create: 0 }
  // any Job made since then shows that KEDA works
  const newest = Math.max(0, ...jobs.map(madeAt))
  const since = owedSince === null ? now : Math.max(owedSince, Math.min(newest, now))
  // times of creation are whole seconds
  if (now - since <= bound) return { owed, owedSince: since, text: null, create: 0 }
  const text = `${counts.pending} waiting: KEDA has created nothing since ${clock(since)}, although ${agents(owed)} should start: ${kedaTrouble(scaledJob)}`
  return { owed, owedSince: since, text, create: owed }
}

const ours = ({ metadata }: Job): boolean => metadata.labels?.['app.kubernetes.io/managed-by'] === cluster.fieldManager
const madeAt = ({ metadata }: Job): number => Date.parse(metadata.creationTimestamp ?? '') || 0

/**
 * Creating Jobs in KEDA's place ends the stall: that there was one stays to be read until KEDA works again, ten minutes at the most. Told
 * from the Jobs alone, so that several of us say the same. null: nothing to say.
 */
export function stoodIn(jobs: readonly Job[], now: number): string | null {
  const byKeda = Math.max(0, ...jobs.filter((job) => !ours(job)).map(madeAt))
  const since = jobs.filter((job) => ours(job) && madeAt(job) >= byKeda && now - madeAt(job) < 600_000)
  if (!since.length) return null
  const last = Math.max(...since.map(madeAt))
  return `KEDA did not create what it should; ${since.length === 1 ? 'a Job was' : `${since.length} Jobs were`} created in its place, the last at ${clock(last)}: does keda-operator run?`
}

/** What KEDA itself says about it. */
function kedaTrouble({ status }: ScaledJob): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (!ready || ready.status === 'Unknown') return 'it has not taken up the ScaledJob; does keda-operator run?'
  if (ready.status === 'False') return [ready.reason, ready.message].filter(Boolean).join(': ')
  return 'it says that it is ready; does keda-operator run, and does it reach Redis?'
}

/** There are Jobs enough, but some have had no running agent for long: why. */
function startsSlowly(unfinished: readonly Job[], pods: readonly Pod[], now: number, bound: number): string | null {
  const podsOf = ({ metadata }: Job): Pod[] => pods.filter((pod) => jobNameOf(pod) === metadata.name)
  const over = unfinished.filter((job) => podsOf(job).some((pod) => now - endedAt(pod) > bound))
  if (over.length) {
    const all =
      over.length === 1
        ? `Job ${over[0]!.metadata.name} still counts although its agent has`
        : `${over.length} Jobs still count although their agents have`
    return `${all} ended: does kube-controller-manager run?`
  }
  const late = unfinished.filter(
    (job) =>
      now - madeAt(job) > bound &&
      !podsOf(job).some((pod) => isRunning(pod) || pod.metadata.deletionTimestamp || endedAt(pod) < Infinity),
  )
  if (!late.length) return null
  const first = late.flatMap(podsOf).flatMap(podReasons)[0] ?? `Job ${late[0]!.metadata.name} has no pod yet`
  return `${agents(late.length)} ${late.length === 1 ? 'does' : 'do'} not start: ${first}`
}

/** When the last container of a pod ended, ms; Infinity: it hasn't; 0: nobody says when. */
function endedAt({ status }: Pod): number {
  if (!/^(Succeeded|Failed)$/.test(status?.phase ?? '')) return Infinity
  const times = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? '') || 0)
  return Math.max(...times, 0)
}
