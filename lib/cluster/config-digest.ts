import { hash } from 'node:crypto'
import { cluster } from '#lib/contract.ts'
import { nameOf, type KubeObject } from './object.ts'

interface PodTemplate {
  metadata?: { annotations?: Record<string, string>; [key: string]: unknown }
  spec: {
    volumes?: { configMap?: { name: string } }[]
    initContainers?: Container[]
    containers: Container[]
  }
}
interface Container {
  envFrom?: { configMapRef?: { name: string } }[]
}

/** What runs on and on; an agent reads its configuration at its start, which is soon. */
const lasting = ['Deployment', 'StatefulSet', 'DaemonSet']

/**
 * Copies in which the pods of what runs on and on carry a digest of the ConfigMaps that they read, where these are among the objects: another
 * configuration makes other pods, and so it is in force.
 */
export function withConfigDigests(objects: readonly KubeObject[]): KubeObject[] {
  const maps = new Map(objects.filter(({ kind }) => kind === 'ConfigMap').map((one) => [nameOf(one), one]))
  return objects.map((one) => {
    if (!lasting.includes(one.kind)) return one
    const copy = structuredClone(one)
    const { template } = copy['spec'] as { template: PodTemplate }
    const read = namesIn(template).map((name) =>
      maps.get(nameOf({ ...copy, kind: 'ConfigMap', metadata: { ...copy.metadata, name } })),
    )
    const data = read.flatMap((map) => (map ? [[map.metadata.name, sorted(map['data']), sorted(map['binaryData'])]] : []))
    if (!data.length) return one
    const annotations = {
      ...template.metadata?.annotations,
      [cluster.configAnnotation]: hash('sha256', JSON.stringify(data)).slice(0, 16),
    }
    template.metadata = { ...template.metadata, annotations }
    return copy
  })
}

function namesIn({ spec }: PodTemplate): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  const names = [
    ...(spec.volumes ?? []).map(({ configMap }) => configMap?.name),
    ...containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef?.name)),
  ]
  return [...new Set(names.filter((name) => name !== undefined))].sort()
}

/** In whatever order it was written. */
const sorted = (data: unknown): [string, unknown][] => Object.entries(data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
