/** Objects of Kubernetes as far as we read them: as JSON says them, times as text. */
export interface Meta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: Meta
  spec?: object
  status?: object
}

/** What names one object. */
export interface Ref {
  apiVersion: string
  kind: string
  metadata: { name?: string; namespace?: string }
}

/** Which objects are meant; no namespace: all of them, or a kind that has none. */
export interface Scope {
  apiVersion: string
  kind: string
  namespace?: string
  /** A label selector, as in `a=b,c`. */
  labels?: string
  /** A field selector, as in `metadata.name=x`. */
  fields?: string
}

export interface ContainerStatus {
  name: string
  image?: string
  state?: {
    waiting?: { reason?: string; message?: string }
    running?: { startedAt?: string }
    terminated?: { reason?: string; message?: string; exitCode: number; signal?: number; finishedAt?: string }
  }
}

export interface Pod extends KubeObject {
  spec?: { nodeName?: string; containers?: { name: string; image?: string }[] }
  status?: {
    phase?: string
    reason?: string
    message?: string
    startTime?: string
    conditions?: Condition[]
    initContainerStatuses?: ContainerStatus[]
    containerStatuses?: ContainerStatus[]
  }
}

export interface Job extends KubeObject {
  spec?: { activeDeadlineSeconds?: number; backoffLimit?: number }
  status?: { conditions?: Condition[]; active?: number; failed?: number; completionTime?: string }
}

export interface ScaledJob extends KubeObject {
  spec?: {
    minReplicaCount?: number
    maxReplicaCount?: number
    successfulJobsHistoryLimit?: number
    failedJobsHistoryLimit?: number
    jobTargetRef?: { template?: { metadata?: Meta; spec?: { restartPolicy?: string } } }
  }
  status?: { conditions?: Condition[]; lastActiveTime?: string }
}

export const kinds = {
  pod: { apiVersion: 'v1', kind: 'Pod' },
  job: { apiVersion: 'batch/v1', kind: 'Job' },
  scaledJob: { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob' },
  lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
  event: { apiVersion: 'v1', kind: 'Event' },
  node: { apiVersion: 'v1', kind: 'Node' },
} as const
