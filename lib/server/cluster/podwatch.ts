import { isForbidden, isMissing } from '#lib/cluster/api-error.ts'
import type { TellEvent } from '#lib/cluster/event.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import { changePool, pausedBecause } from '#lib/cluster/scaled-job-change.ts'
import { kinds, type Job, type Pod } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import type { Keeper } from '#lib/queue/keeper.ts'
import type { Counters } from '../counters.ts'
import { failureCount } from './failures.ts'
import type { Mirror } from './mirror.ts'
import { jobNameOf, startFailure, verdictOn, verdictOnGone, type Verdict } from './pod-verdict.ts'
import type { Say } from '../say.ts'

export interface PodWatchOptions {
  kube: Kube
  namespace: string
  keeper: Keeper
  /** Whether the agent has taken a job. */
  hasClaimed: (agent: string) => Promise<boolean>
  tell: TellEvent
  count: Counters['count']
  say: Say
}

/**
 * Turns what happens to pods into reasons on the queue's jobs. Nothing it does is wrong when it is done twice (after a restart, or by several
 * of us), and what it remembers is only how long something has lasted and whom it has dealt with.
 */
export function podWatch({ kube, namespace, keeper, hasClaimed, tell, count, say }: PodWatchOptions) {
  const failingSince = new Map<string, number>()
  /** Pods, by uid, whose end has been dealt with. */
  const settled = new Set<string>()
  /** … and those that have been counted: a deletion that fails and is tried again is no second failure. */
  const judged = new Set<string>()
  const failures = failureCount()
  const poolOf = (pod: Pod): string => pod.metadata.labels?.[cluster.poolLabel] ?? ''

  /** A claim that was on its way when its agent died may reach Redis after the first release: a second look finds it. */
  async function release(agent: string, reason: string): Promise<void> {
    const became = await keeper.release(agent, reason, 'podwatch')
    if (became !== 'none') {
      count('released')
      say('podwatch', 'released', { agent, job: became, reason })
    }
    setTimeout(() => void keeper.release(agent, reason, 'podwatch').catch(() => {}), 250).unref()
  }

  const releaseSoon = (agent: string, reason: string): void =>
    void release(agent, reason).catch((error: unknown) => say('podwatch', 'trouble', { agent, why: messageOf(error) }))

  /** Counts an end for or against its pool, and pauses the pool when it was one too many. */
  async function judge(pod: Pod, { reason, fault }: Verdict): Promise<void> {
    const agent = pod.metadata.name!
    // its claim, if there was one, is in the events whether it is released or not
    const idle = fault && !(await hasClaimed(agent))
    if (idle) say('podwatch', 'agent failed', { agent, reason })
    const because = failures.ended(poolOf(pod), agent, idle ? reason : null)
    if (because) await pause(poolOf(pod), because)
  }

  async function pause(pool: string, because: string): Promise<void> {
    try {
      const { changed } = await changePool(kube, pool, { do: 'pause', because }, namespace)
      if (!changed) return
      count('paused')
      say('podwatch', 'paused', { pool, because })
      const ref = { ...kinds.scaledJob, metadata: { name: cluster.scaledJob(pool), namespace } }
      await tell((await kube.get(ref)) ?? ref, 'Warning', 'PoolPaused', because)
    } catch (error) {
      say('podwatch', 'trouble', { pool, why: messageOf(error) })
    }
  }

  /** Ends an agent for good: its Job first, so that nothing starts it again, then its pod, quickly. False when it can't be done now. */
  async function end(pod: Pod, why: string): Promise<boolean> {
    const agent = pod.metadata.name!
    const job = jobNameOf(pod)
    const ref = { ...kinds.pod, metadata: { name: agent, namespace } }
    try {
      // on the pod, where all of us see it, and see it first: whoever of us is the quickest to see the end knows why
      const annotations = { [cluster.endedAnnotation]: why }
      await kube.patch(ref, { metadata: { annotations } }).catch(ignoreMissing)
      if (job) await kube.remove({ ...kinds.job, metadata: { name: job, namespace } })
      await kube.remove(ref, { graceSeconds: 1, uid: pod.metadata.uid })
      count('ended')
      say('podwatch', 'ended', { agent, job, why })
      return true
    } catch (error) {
      say('podwatch', 'trouble', { agent, why: messageOf(error) })
      return false
    }
  }

  return {
    end,
    release,

    /** Looks at every pod: called when something changed, and each second. */
    async look({ pods, jobs, scaledJobs, old }: Mirror, now = Date.now()): Promise<void> {
      for (const one of scaledJobs.values())
        if (pausedBecause(one) !== null) failures.forget(one.metadata.labels?.[cluster.poolLabel] ?? '')
      const stuck: [Pod, string][] = []
      for (const [name, pod] of pods) {
        const uid = pod.metadata.uid ?? name
        if (!startFailure(pod)) failingSince.delete(uid)
        else if (!failingSince.has(uid)) failingSince.set(uid, now)
        const job = jobs.get(jobNameOf(pod) ?? '') ?? null
        const verdict = verdictOn(pod, job, failingSince.get(uid) ?? null, now)
        if (verdict.state === 'fine' || settled.has(uid)) continue
        settled.add(uid)
        if (verdict.state === 'ended') releaseSoon(name, endedBecause(pod) ?? verdict.reason)
        else {
          stuck.push([pod, verdict.reason])
          void tell(job ?? pod, 'Warning', 'AgentStuck', verdict.reason)
        }
        const counts = !old.has(uid) && !judged.has(uid)
        judged.add(uid)
        if (counts) await judge(pod, verdict).catch((error: unknown) => say('podwatch', 'trouble', { why: messageOf(error) }))
      }
      // a pool that is to be paused is by now: KEDA won't make another for each that ends here
      for (const [pod, why] of stuck) {
        if (await end(pod, why)) releaseSoon(pod.metadata.name!, why)
        else settled.delete(pod.metadata.uid ?? '')
      }
    },

    /** A pod isn't there any more. */
    gone(pod: Pod, job: Job | null): void {
      const uid = pod.metadata.uid ?? pod.metadata.name!
      failingSince.delete(uid)
      judged.delete(uid)
      if (settled.delete(uid)) return
      releaseSoon(pod.metadata.name!, endedBecause(pod) ?? verdictOnGone(pod, job).reason)
    },
  }
}

const endedBecause = ({ metadata }: Pod): string | undefined => metadata.annotations?.[cluster.endedAnnotation]

/** A pod that is gone needs no reason; one that we may not write to gets a poorer one. */
function ignoreMissing(error: unknown): void {
  if (!isMissing(error) && !isForbidden(error)) throw error
}

export type PodWatch = ReturnType<typeof podWatch>
