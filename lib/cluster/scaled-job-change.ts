import { cluster } from '#lib/contract.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import type { Kube } from './kube.ts'
import { kinds, type ScaledJob } from './types.ts'

/** What scaling a pool in the cluster means: `max` and whether, and why, it is paused. */
export interface PoolState {
  pool: string
  max: number
  warm: number
  /** null: it is not paused. */
  paused: string | null
}

/** KEDA's own reading: any value but a clear no means paused. */
export function pausedBecause({ metadata }: ScaledJob): string | null {
  const { [cluster.kedaPaused]: paused, [cluster.pausedAnnotation]: why } = metadata.annotations ?? {}
  if (paused === undefined || /^(false|f|0|False|FALSE|F)$/.test(paused)) return null
  return why ?? 'paused by its annotation'
}

/** KEDA's defaults (scaledjob_types.go). */
export const poolStateOf = (scaledJob: ScaledJob): PoolState => ({
  pool: scaledJob.metadata.labels?.[cluster.poolLabel] ?? scaledJob.metadata.name ?? '',
  max: scaledJob.spec?.maxReplicaCount ?? 100,
  warm: scaledJob.spec?.minReplicaCount ?? 0,
  paused: pausedBecause(scaledJob),
})

export type PoolChange = { do: 'scale'; max: number } | { do: 'pause'; because: string } | { do: 'resume' }

/** The patch that makes the change; null when it is so already. */
export function patchFor(scaledJob: ScaledJob, change: PoolChange): object | null {
  const { max, warm, paused } = poolStateOf(scaledJob)
  if (change.do === 'scale') {
    if (change.max < warm)
      throw new UsageError(`max ${change.max} is less than the ${warm} warm agents of the pool; change raibid.yaml first`)
    return change.max === max ? null : { spec: { maxReplicaCount: change.max } }
  }
  const annotations = (on: string | null, why: string | null): object => ({
    metadata: { annotations: { [cluster.kedaPaused]: on, [cluster.pausedAnnotation]: why } },
  })
  if (change.do === 'pause') return paused === change.because ? null : annotations('true', change.because)
  return paused === null ? null : annotations(null, null)
}

/** Changes the ScaledJob of a pool. Gives what is so now and whether it was so before. UsageError names the pools that there are. */
export async function changePool(
  kube: Kube,
  pool: string,
  change: PoolChange,
  namespace: string = cluster.namespace,
): Promise<{ state: PoolState; changed: boolean }> {
  const ref = { ...kinds.scaledJob, metadata: { name: cluster.scaledJob(pool), namespace } }
  const scaledJob = await kube.get<ScaledJob>(ref)
  if (!scaledJob) {
    const { items } = await kube.list<ScaledJob>({ ...kinds.scaledJob, namespace, labels: cluster.poolLabel })
    const known = items.map((one) => poolStateOf(one).pool)
    if (!known.length)
      throw new RaibidError(
        `there is no pool in namespace ${namespace} on ${kube.server}: no ScaledJob is labelled ${cluster.poolLabel}`,
      )
    throw new UsageError(`there is no pool "${pool}" on ${kube.server}; known: ${known.join(', ')}`)
  }
  const patch = patchFor(scaledJob, change)
  return { state: poolStateOf(patch ? await kube.patch<ScaledJob>(ref, patch) : scaledJob), changed: patch !== null }
}
