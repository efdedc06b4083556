import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { Finding } from '../component.ts'
import type { Kube } from '../kube.ts'
import type { Condition, KubeObject } from '../types.ts'
import { folders, kustomizationRef, rootName, sourceRef } from './sync.ts'

interface Synced extends KubeObject {
  spec?: { suspend?: boolean }
  status?: {
    conditions?: Condition[]
    observedGeneration?: number
    artifact?: { revision?: string }
    lastAppliedRevision?: string
  }
}

/** What Flux says of one of its objects; null: it is as wished. */
export function syncLack(name: string, object: Synced | null): string | null {
  if (!object) return `${name} does not exist`
  if (object.spec?.suspend) return `${name} is suspended: Flux applies nothing of it until that is taken back`
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready')
  const isSeen = (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0)
  if (ready?.status === 'True' && isSeen) return null
  // it looks again, as it does every few minutes: what it applied or read last is there all the while
  const last = object.status?.lastAppliedRevision ?? object.status?.artifact?.revision
  if (ready?.status === 'Unknown' && ready.reason === 'Progressing' && isSeen && last) return null
  return ready && isSeen
    ? `${name} is not ready: ${ready.reason ?? ''}: ${ready.message ?? ''}`.slice(0, 400)
    : `${name} has not been looked at by Flux yet`
}

/** Whether the config repository is what the cluster is: the source read, every folder applied. Healthy with the commit. */
export async function syncFinding(kube: Kube, signal: AbortSignal, wanted: string | null): Promise<Finding> {
  const all = [sourceRef, ...[rootName, ...Object.keys(folders)].map(kustomizationRef)]
  const found = await Promise.all(all.map(async (ref) => ({ ref, object: await kube.get<Synced>(ref, signal) })))
  // what a teardown of ours has suspended is as it is wished
  const kept = found.filter(({ object }) => !object?.metadata.annotations?.[cluster.takenAwayAnnotation])
  const [refs, objects] = [kept.map(({ ref }) => ref), kept.map(({ object }) => object)]
  const wrong = refs.flatMap(({ kind, metadata }, i) => syncLack(`${kind} ${metadata.name}`, objects[i]!) ?? [])
  if (wrong.length) return { state: 'degraded', reason: wrong[0]!, evidence: wrong }
  const revisions = objects.slice(1).map((one) => one?.status?.lastAppliedRevision ?? '')
  const behind = wanted && revisions.find((one) => !one.endsWith(wanted))
  if (behind !== undefined && behind !== null && wanted)
    return {
      state: 'degraded',
      reason: `Flux has applied ${behind || 'nothing'} of ${cluster.configRepo}, and its head is ${wanted.slice(0, 7)}`,
    }
  return { state: 'healthy', reason: revisions[0] ?? '' }
}

/** Has Flux look now. */
export const requestSync = async (kube: Kube, now = new Date()): Promise<void> => {
  await kube.patch(sourceRef, { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': now.toISOString() } } })
}

/** Flux reads our config repository here. */
export const isFluxThere = async (kube: Kube, signal?: AbortSignal): Promise<boolean> =>
  (await kube.get(sourceRef, signal).catch((error: unknown) => {
    // a kind that isn't known: Flux was never here
    if (error instanceof RaibidError && error.message.includes(' knows no ')) return null
    throw error
  })) !== null
