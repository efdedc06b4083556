import { cluster } from '#lib/contract.ts'
import type { KubeObject } from './object.ts'
import { cpuText, memoryText } from './quantity.ts'
import { podOf, replicasOf, requestOf } from './requests.ts'

/**
 * The quota of the agents' namespace: a backstop against whoever creates Jobs without end, and nothing that may ever stand in the way. It
 * is three times what may run there at once, for Kubernetes may count pods that have ended for minutes (seen: after an API server's second
 * restart twelve of twelve, with none alive, and neither agents nor serve got a pod). What really runs is bounded by each pool's max.
 */
export function quota(objects: readonly KubeObject[]): KubeObject {
  const makers = objects.filter((one) => podOf(one) && one.metadata.namespace === cluster.namespace)
  const sum = (value: (one: KubeObject) => number): number =>
    makers.reduce((total, one) => total + 3 * replicasOf(one) * value(one), 0)
  const hard = {
    pods: String(sum(() => 1)),
    'requests.cpu': cpuText(sum((one) => requestOf(one).cpu)),
    'requests.memory': memoryText(sum((one) => requestOf(one).memory)),
  }
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'agents', namespace: cluster.namespace },
    spec: { hard },
  }
}
