import type { Job, Pod, ScaledJob } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { isFinished, jobNameOf } from './pod-verdict.ts'

/** KEDA cleans at each poll; we only do what it left undone. */
const graceMs = 60_000
const fewest = { success: 3, failed: 5 }

const endedAt = ({ status, metadata }: Job): number => {
  const ended = status?.conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True')
  return Date.parse(ended?.lastTransitionTime ?? status?.completionTime ?? metadata.creationTimestamp ?? '')
}

/** The finished Jobs beyond the history that their ScaledJob keeps (or a small one), the oldest; not those that ended in the last minute. */
export function superfluousJobs(jobs: readonly Job[], scaledJobs: readonly ScaledJob[], now: number): Job[] {
  const groups = Map.groupBy(jobs.filter(isFinished), ({ metadata, status }) => {
    const failed = status?.conditions?.some(({ type, status: is }) => type === 'Failed' && is === 'True')
    return `${metadata.labels?.[cluster.kedaJobLabel] ?? ''}/${failed ? 'failed' : 'success'}`
  })
  return [...groups].flatMap(([group, all]) => {
    const [name, how] = group.split('/') as [string, 'failed' | 'success']
    const spec = scaledJobs.find(({ metadata }) => metadata.name === name)?.spec
    const kept = (how === 'failed' ? spec?.failedJobsHistoryLimit : spec?.successfulJobsHistoryLimit) ?? fewest[how]
    const newestFirst = all.toSorted((a, b) => endedAt(b) - endedAt(a))
    return newestFirst.slice(kept).filter((job) => now - endedAt(job) > graceMs && !job.metadata.deletionTimestamp)
  })
}

/**
 * Jobs that have failed as often as they may and have no pod, but are not marked as failed: when the API server goes away in the wrong moment, the
 * controller of Jobs can leave one like this until its deadline (seen with 1.35.4), and it counts for `max` as long. Nothing will come of it.
 */
export function forgottenJobs(jobs: readonly Job[], pods: readonly Pod[], now: number): Job[] {
  const withPod = new Set(pods.map(jobNameOf))
  return jobs.filter(({ metadata, spec, status }) => {
    const old = now - Date.parse(metadata.creationTimestamp ?? '') > graceMs
    const over = (status?.failed ?? 0) > (spec?.backoffLimit ?? 6)
    return over && old && !isFinished({ status } as Job) && !withPod.has(metadata.name) && !metadata.deletionTimestamp
  })
}
