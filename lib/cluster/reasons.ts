import type { Condition, KubeObject, Pod } from './types.ts'

/** An Event of the cluster, as far as it explains something. */
export interface KubeEvent extends KubeObject {
  type?: string
  reason?: string
  message?: string
  lastTimestamp?: string | null
  eventTime?: string | null
  /** What it is about. */
  involvedObject?: { kind?: string; name?: string }
}

/** Conditions that say by being True that something is wrong; all others say it by being False. */
const bad = /^(Failed|FailureTarget|ReplicaFailure|Degraded|Stalled|DisruptionTarget|Paused|.*Pressure|NetworkUnavailable)$/
/** False all the time without meaning anything. */
const idle = /^(Active|Fallback|Suspended|Complete|SuccessCriteriaMet|PodReadyToStartContainers)$/

const sentence = (...parts: (string | undefined)[]): string => [...new Set(parts.filter(Boolean))].join(': ')

function fromCondition({ type, status, reason, message }: Condition): string[] {
  const wrong = bad.test(type) ? status === 'True' : status === 'False' && !idle.test(type)
  return wrong ? [sentence(bad.test(type) ? type : `${type} is ${status}`, reason, message)] : []
}

/** Why a pod isn't where it should be: what its containers wait for or died of, else its conditions. */
export function podReasons({ metadata, status = {} }: Pod): string[] {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].flatMap(({ name, state }) => {
    const { waiting, terminated } = state ?? {}
    if (waiting && waiting.reason !== 'PodInitializing' && waiting.reason !== 'ContainerCreating')
      return [sentence(`container ${name} waits`, waiting.reason, waiting.message)]
    if (terminated && terminated.exitCode !== 0)
      return [sentence(`container ${name} ended with exit code ${terminated.exitCode}`, terminated.reason, terminated.message)]
    return []
  })
  const own = status.reason || status.message ? [sentence(status.reason, status.message)] : []
  const conditions = (status.conditions ?? []).filter(({ type }) => type === 'PodScheduled' || type === 'DisruptionTarget')
  return [...own, ...containers, ...conditions.flatMap(fromCondition)].map((text) => `pod ${metadata.name ?? ''}: ${text}`)
}

/** Why an object isn't as it should be, the most telling first: its pods, its conditions, the newest warnings about it. */
export function reasonsOf(object: KubeObject | null, pods: readonly Pod[] = [], events: readonly KubeEvent[] = []): string[] {
  if (!object) return ['it does not exist']
  const conditions = (object.status as { conditions?: Condition[] } | undefined)?.conditions ?? []
  const own = object.kind === 'Pod' ? podReasons(object as Pod) : conditions.flatMap(fromCondition)
  const when = ({ lastTimestamp, eventTime, metadata }: KubeEvent): string =>
    lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
  const warnings = events
    .filter(({ type }) => type === 'Warning')
    .toSorted((a, b) => when(b).localeCompare(when(a)))
    .slice(0, 3)
    .map(({ reason, message }) => sentence(reason, message))
  return [...new Set([...pods.flatMap(podReasons), ...own, ...warnings])]
}
