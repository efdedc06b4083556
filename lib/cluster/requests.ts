import type { KubeObject } from './object.ts'
import type { Amount } from './overlays.ts'
import { bytes, millicores } from './quantity.ts'

interface Container {
  name: string
  image: string
  args?: string[]
  env?: { name: string }[]
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

/** What one of its pods asks for: all its containers together, or the largest of those that run before them, one by one. */
export function requestOf(one: KubeObject): Amount {
  const pod = podOf(one)
  const of = (list: readonly Container[] = []) => list.map(({ resources }) => resources?.requests ?? {})
  const [before, together] = [of(pod?.initContainers), of(pod?.containers)]
  const sum = (value: (request: Record<string, string>) => number): number =>
    Math.max(
      together.reduce((total, one) => total + value(one), 0),
      ...before.map(value),
    )
  return {
    cpu: sum(({ cpu }) => millicores(cpu ?? 0)),
    memory: sum(({ memory }) => bytes(memory ?? 0)),
    gpu: sum((request) => Number(request['nvidia.com/gpu'] ?? 0)),
  }
}
