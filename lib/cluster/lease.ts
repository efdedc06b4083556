import { isConflict } from './api-error.ts'
import type { Kube } from './kube.ts'
import { kinds, type KubeObject } from './types.ts'

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string }
}

const seconds = 30

/** Somebody holds it, and their time is not over. */
export function isHeld({ spec = {} }: Lease, by: string, now: number): boolean {
  if (!spec.holderIdentity || spec.holderIdentity === by) return false
  return now < Date.parse(spec.renewTime ?? '') + (spec.leaseDurationSeconds ?? seconds) * 1000
}

/**
 * Does something that only one of us may do at a time, under a Lease object of that name. Gives null, and does nothing, when another has it.
 * The work must be done within half a minute: then the Lease is anybody's.
 */
export async function withLease<T>(
  kube: Kube,
  name: string,
  namespace: string,
  holder: string,
  work: () => Promise<T>,
): Promise<T | null> {
  const ref = { ...kinds.lease, metadata: { name, namespace } }
  // the API wants microseconds
  const spec = () => ({
    holderIdentity: holder,
    leaseDurationSeconds: seconds,
    renewTime: new Date().toISOString().replace('Z', '000Z'),
  })
  let held: Lease
  try {
    const there = await kube.get<Lease>(ref)
    if (there && isHeld(there, holder, Date.now())) return null
    held = there ? await kube.replace<Lease>({ ...there, spec: spec() }) : await kube.create<Lease>({ ...ref, spec: spec() })
  } catch (error) {
    // another was quicker
    if (isConflict(error)) return null
    throw error
  }
  try {
    return await work()
  } finally {
    await kube.replace<Lease>({ ...held, spec: { ...held.spec, holderIdentity: '' } }).catch(() => {})
  }
}
