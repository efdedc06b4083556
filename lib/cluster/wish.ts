import { cluster } from '#lib/contract.ts'
import type { KubeObject } from './object.ts'
import { claimOf } from './parts.ts'
import type { KubeObject as Live } from './types.ts'

interface ManagedField {
  manager?: string
  operation?: string
  fieldsV1?: { 'f:spec'?: Record<string, unknown> }
}

/** Flux keeps it: what is wished for stands in the config repository, and an apply of ours would only be undone. */
export const isFluxOwned = ({ metadata }: Live): boolean => Boolean(metadata.labels?.['kustomize.toolkit.fluxcd.io/name'])

/** What is to be applied over what is there: that which can't be changed, or which a person has changed by a recipe of ours, stays. */
export function wishFor(wanted: KubeObject, live: Live | null): KubeObject {
  if (!live) return wanted
  const wish = structuredClone(wanted)
  // a volume's size is Kubernetes' to change (StatefulSet: nobody's), and local disks can't grow
  const [claim, there] = [claimOf(wish), claimOf(live)]
  if (claim && there) claim.resources.requests.storage = there.resources.requests.storage
  if (wish.kind === 'ScaledJob' && isScaled(live)) delete (wish['spec'] as { maxReplicaCount?: number }).maxReplicaCount
  return wish
}

/** `just scale` has set its maximum: that is an update of a field, where bootstrap applies. */
const isScaled = ({ metadata }: Live): boolean =>
  ((metadata as { managedFields?: ManagedField[] }).managedFields ?? []).some(
    ({ manager, operation, fieldsV1 }) =>
      manager === cluster.fieldManager && operation === 'Update' && 'f:maxReplicaCount' in (fieldsV1?.['f:spec'] ?? {}),
  )
