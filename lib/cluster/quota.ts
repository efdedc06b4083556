import { cluster } from '#lib/contract.ts'
import type { KubeObject } from './object.ts'
import { cpuText, memoryText } from './quantity.ts'
import { podOf, replicasOf, requestOf } from './requests.ts'

/**
 * The quota of the agents' namespace: all that may run there at once, once more of each for a pod that ends while the next starts (a
 * refused pod is tried again only after a pause), and no more, whoever creates Jobs.
 */
export function quota(objects: readonly KubeObject[]): KubeObject {
  const makers = objects.filter((one) => podOf(one) && one.metadata.namespace === cluster.namespace)
  const sum = (value: (one: KubeObject) => number): number =>
    makers.reduce((total, one) => total + (replicasOf(one) + Math.min(2, replicasOf(one))) * value(one), 0)
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
