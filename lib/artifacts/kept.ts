import type { Artifact, Job } from '#lib/queue/types.ts'
import type { OpenStore, Place } from './store.ts'

/** The phase of a job that says what was kept; its record names no more than the first of many. */
export const phaseName = 'artifacts'
export const mostOnRecord = 100

/** The artifacts of a job's accepted attempt, and what is to be said of them. */
export async function keptBy(
  job: Job,
  store: OpenStore,
): Promise<{ place: Place; artifacts: Artifact[]; note: string | undefined }> {
  const place = { job: job.id, attempt: job.attempt }
  const phase = job.phases.find(({ name }) => name === phaseName)
  // an attempt that runs, or was lost while it kept them, has not been accepted
  if (!phase?.artifacts?.length || job.state === 'running') return { place, artifacts: [], note: phase?.reason }
  const artifacts = await store.list(place)
  const note = artifacts ? phase.reason : `they are not in ${store.where}: kept by another machine, or removed since`
  return { place, artifacts: artifacts ?? [], note }
}
