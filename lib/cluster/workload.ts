import { messageOf, UnreachableError } from '#lib/errors.ts'
import type { Kube } from './kube.ts'
import { podReasons, reasonsOf, type KubeEvent } from './reasons.ts'
import { kinds, type KubeObject, type Pod, type Ref } from './types.ts'

/** How a Deployment or StatefulSet is: ready, or why not, with what shows it. */
export interface WorkloadState {
  ready: boolean
  reason?: string
  evidence?: string[]
}

interface Workload extends KubeObject {
  spec?: { replicas?: number; selector?: { matchLabels?: Record<string, string> } }
  status?: { observedGeneration?: number; readyReplicas?: number; updatedReplicas?: number }
}

/** True where every pod that is wished for is ready, and of the newest version; one of which none is wished for does no work, and is not ready. */
export function isReady({ metadata, spec = {}, status = {} }: Workload): boolean {
  const { replicas = 1 } = spec
  if (replicas === 0) return false
  const seen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  return seen && (status.readyReplicas ?? 0) >= replicas && (status.updatedReplicas ?? 0) >= replicas
}

export const selectorOf = ({ spec }: Workload): string =>
  Object.entries(spec?.selector?.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** Asks the cluster how it is; where it isn't ready, its pods, their volumes, the warnings about them and the last lines of what broke are asked too. */
export async function workloadState(kube: Kube, ref: Ref, signal?: AbortSignal): Promise<WorkloadState> {
  const found = await kube.get<Workload>(ref, signal)
  const name = `${ref.kind} ${ref.metadata.name ?? ''}`
  if (!found) return { ready: false, reason: `${name} does not exist` }
  if (isReady(found)) return { ready: true }
  if (found.spec?.replicas === 0) return { ready: false, reason: `${name} is scaled to 0` }
  const { namespace = '' } = ref.metadata
  const [pods, claims, events] = await Promise.all([
    kube.list<Pod>({ ...kinds.pod, namespace, labels: selectorOf(found) }, signal).catch(nothing),
    kube.list<KubeObject>({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace }, signal).catch(nothing),
    kube.list<KubeEvent>({ ...kinds.event, namespace }, signal).catch(nothing),
  ])
  const volumes = pods.items.flatMap(claimsOf)
  const pending = claims.items.filter(
    ({ metadata, status }) => volumes.includes(metadata.name ?? '') && (status as { phase?: string }).phase !== 'Bound',
  )
  const about = new Set([ref, ...pods.items, ...pending].map(({ metadata }) => metadata.name))
  const warnings = events.items.filter(({ involvedObject }) => about.has(involvedObject?.name))
  const why = [
    ...pending.map(({ metadata, status }) => `volume ${metadata.name} is ${(status as { phase?: string }).phase ?? 'not there'}`),
    ...pods.items.flatMap(podReasons),
  ]
  const all = reasonsOf(found, pods.items, warnings)
  const ready = `${found.status?.readyReplicas ?? 0} of ${found.spec?.replicas ?? 1} pods ready`
  const reason = why[0] ?? all[0]
  return {
    ready: false,
    reason: `${name} has ${ready}${reason ? `: ${reason}` : ''}`,
    evidence: [...new Set([...why, ...all])].slice(0, 6).concat(await lastLines(kube, pods.items, signal)),
  }
}

function nothing(error: unknown): { items: never[] } {
  if (error instanceof UnreachableError) throw error
  // who may not look at events may still be told the state
  return { items: [] }
}

const claimsOf = ({ spec }: Pod): string[] =>
  ((spec as { volumes?: { persistentVolumeClaim?: { claimName: string } }[] } | undefined)?.volumes ?? []).flatMap(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
  )

/** The last lines of the first container that ended badly, or isn't ready though it runs. */
async function lastLines(kube: Kube, pods: readonly Pod[], signal?: AbortSignal): Promise<string[]> {
  for (const { metadata, status = {} } of pods) {
    for (const one of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      const { restartCount = 0, ready } = one as { restartCount?: number; ready?: boolean }
      const { state: { waiting, terminated } = {} } = one
      const broke = waiting?.reason === 'CrashLoopBackOff' || (terminated && terminated.exitCode !== 0)
      if (!broke && (ready || waiting || terminated)) continue
      const options = { container: one.name, tail: 5, previous: Boolean(waiting && restartCount > 0), signal }
      const lines = await kube
        .podLog(metadata.namespace ?? '', metadata.name ?? '', options)
        .catch((error: unknown) => [`its log can’t be read: ${messageOf(error)}`])
      return lines.map((line) => `${one.name}: ${line}`)
    }
  }
  return []
}
