import { cluster } from '#lib/contract.ts'
import type { Ref } from '../types.ts'

/** The volume of a StatefulSet's one pod, which Kubernetes leaves when the set goes. */
export const dataOf = (name: string): Ref => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: `data-${name}-0`, namespace: cluster.infrastructure },
})
