import type { Kube } from '#lib/cluster/kube.ts'
import { kinds, type Job } from '#lib/cluster/types.ts'
import { watch } from '#lib/cluster/watch.ts'
import { cluster } from '#lib/contract.ts'
import { isFinished } from '#lib/server/cluster/pod-verdict.ts'

/** Every Job ever seen in a namespace, by pool: when, and when it was finished; and how many were unfinished at the most. */
export function trackJobs(kube: Kube, namespace: string, signal: AbortSignal) {
  const jobs = new Map<string, { pool: string; at: number; end: number | null; job: Job }>()
  const peak = new Map<string, number>()
  const note = (job: Job): void => {
    const { uid = '', labels = {} } = job.metadata
    const pool = labels[cluster.poolLabel] ?? ''
    const known = jobs.get(uid) ?? { pool, at: Date.now(), end: null, job }
    known.job = job
    if (isFinished(job)) known.end ??= Date.now()
    jobs.set(uid, known)
    peak.set(pool, Math.max(peak.get(pool) ?? 0, unfinished(pool)))
  }
  const gone = (uid: string): void => {
    const known = jobs.get(uid)
    if (known) known.end ??= Date.now()
  }
  const of = (pool: string) => [...jobs.values()].filter((one) => one.pool === pool)
  const unfinished = (pool: string): number => of(pool).filter(({ end }) => end === null).length
  const watching = watch<Job>(
    kube,
    { ...kinds.job, namespace },
    {
      full(all) {
        const uids = new Set(all.map(({ metadata }) => metadata.uid))
        for (const uid of jobs.keys()) if (!uids.has(uid)) gone(uid)
        all.forEach(note)
      },
      change: (type, job) => (type === 'DELETED' ? gone(job.metadata.uid!) : note(job)),
    },
    signal,
  )
  return {
    /** Resolves when the signal has ended it. */
    stopped: watching,
    jobs: of,
    /** When Jobs of a pool were first seen, ms. */
    created: (pool: string) => of(pool).map(({ at }) => at),
    unfinished,
    peak: (pool: string) => peak.get(pool) ?? 0,
  }
}
