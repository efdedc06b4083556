import type { ContainerStatus, Job, Pod, ScaledJob } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'

type State = NonNullable<ContainerStatus['state']>

/** A pod of the pool `default` with one container in that state. */
export function aPod(status: NonNullable<Pod['status']> = {}, state?: State, meta: Partial<Pod['metadata']> = {}): Pod {
  const name = meta.name ?? 'agents-default-abcde-xyz12'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: `uid-of-${name}`,
      labels: { [cluster.poolLabel]: 'default' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: name.slice(0, -6), uid: 'j' }],
      ...meta,
    },
    spec: { nodeName: 'spark', containers: [{ name: 'agent', image: 'registry.test/agent:1' }] },
    status: { ...status, ...(state && { containerStatuses: [{ name: 'agent', state }] }) },
  }
}

interface JobMade {
  at?: number
  ended?: string
  reason?: string
  failedAt?: number
}

export const aJob = (name: string, { at = 0, ended = '', reason = '', failedAt = at }: JobMade = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name,
    uid: `uid-of-${name}`,
    creationTimestamp: new Date(at).toISOString(),
    labels: { [cluster.kedaJobLabel]: 'agents-default', [cluster.poolLabel]: 'default' },
  },
  spec: { activeDeadlineSeconds: 7200 },
  status: ended
    ? { conditions: [{ type: ended, status: 'True', reason, lastTransitionTime: new Date(failedAt).toISOString() }] }
    : {},
})

export const aScaledJob = (spec: object = {}, annotations: Record<string, string> = {}, conditions: object[] = []): ScaledJob =>
  ({
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: {
      ...{ name: 'agents-default', namespace: 'ci', uid: 'sj', generation: 3, annotations },
      labels: { [cluster.poolLabel]: 'default' },
    },
    spec: { maxReplicaCount: 4, ...spec },
    status: { conditions },
  }) as ScaledJob
