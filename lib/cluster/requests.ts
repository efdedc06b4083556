import type { KubeObject } from './object.ts'
import type { Amount } from './overlays.ts'
import { bytes, millicores } from './quantity.ts'

interface Container {
  name: string
  image: string
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
}
interface PodSpec {
  containers: Container[]
  initContainers?: Container[]
}

/** The pod that an object makes; undefined for one that makes none. */
export function podOf({ spec }: KubeObject): PodSpec | undefined {
  const { template, jobTargetRef } = (spec ?? {}) as {
    template?: { spec: PodSpec }
    jobTargetRef?: { template: { spec: PodSpec } }
  }
  return (template ?? jobTargetRef?.template)?.spec
}

export const containersOf = (one: KubeObject): Container[] => {
  const pod = podOf(one)
  return pod ? [...(pod.initContainers ?? []), ...pod.containers] : []
}

/** How many of its pods there are at the most. */
export function replicasOf({ kind, spec }: KubeObject): number {
  const { replicas = 1, maxReplicaCount = 0 } = spec as { replicas?: number; maxReplicaCount?: number }
  return kind === 'ScaledJob' ? maxReplicaCount : replicas
}

/** What one of its pods asks for. */
export function requestOf(one: KubeObject): Amount {
  const requests = containersOf(one).map(({ resources }) => resources?.requests ?? {})
  const sum = (value: (request: Record<string, string>) => number): number =>
    requests.reduce((total, one) => total + value(one), 0)
  return {
    cpu: sum(({ cpu }) => millicores(cpu ?? 0)),
    memory: sum(({ memory }) => bytes(memory ?? 0)),
    gpu: sum((request) => Number(request['nvidia.com/gpu'] ?? 0)),
  }
}
