import type { Condition, ContainerStatus, Job, Pod } from '#lib/cluster/types.ts'
import { formatDuration } from '#lib/duration.ts'

/** What is to be thought of an agent's pod. */
export interface Verdict {
  /** `ended`: nothing of it runs any more. `stuck`: it will never work, and must be ended. */
  state: 'fine' | 'ended' | 'stuck'
  /** Why, as it is shown on the job it held. */
  reason: string
  /** It is to blame itself (its image, its settings, its exit code): no bad luck of the node. */
  fault: boolean
}

/** How long an image may fail to be pulled, or a container to be made, before its Job is given up. */
export const stuckAfter = 30_000

const fine: Verdict = { state: 'fine', reason: '', fault: false }
const ended = (reason: string, fault = false): Verdict => ({ state: 'ended', reason, fault })
const lost = (why: string, fault = false): Verdict => ended(`agent lost: ${why}`, fault)

/** These don't get better by waiting. */
const hopeless = ['InvalidImageName', 'ErrImageNeverPull']
const pulling = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'RegistryUnavailable']
const making = [
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'CrashLoopBackOff',
  'PreCreateHookError',
]

const containers = ({ status }: Pod): ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
]

/** What keeps a pod from starting, of the kind that ends it when it lasts; null: nothing. */
export function startFailure(pod: Pod): { reason: string; hopeless: boolean } | null {
  for (const { name, image, state } of containers(pod)) {
    const { reason = '', message } = state?.waiting ?? {}
    const said = message ? `${reason}: ${message}` : reason
    const wanted = pod.spec?.containers?.find((one) => one.name === name)?.image ?? image ?? '(unknown)'
    if (pulling.includes(reason))
      return { reason: `image ${wanted} can't be pulled: ${said}`, hopeless: hopeless.includes(reason) }
    if (making.includes(reason)) return { reason: `container ${name} can't be started: ${said}`, hopeless: false }
  }
  return null
}

/** What to think of a pod. `failingSince`: since when `startFailure` has been there, null when it isn't. Its Job tells of deadlines. */
export function verdictOn(pod: Pod, job: Job | null, failingSince: number | null, now: number): Verdict {
  const { phase, reason } = pod.status ?? {}
  if (phase === 'Succeeded') return lost('it ended without a result')
  if (phase === 'Failed') return failed(pod, job)
  if (phase === 'Unknown' || reason === 'NodeLost')
    return { state: 'stuck', reason: `agent lost: node ${pod.spec?.nodeName ?? ''} does not answer`, fault: false }
  const failure = startFailure(pod)
  if (failure && failingSince !== null && (failure.hopeless || now - failingSince > stuckAfter))
    return { state: 'stuck', reason: `agent lost: ${failure.reason}`, fault: true }
  return fine
}

function failed(pod: Pod, job: Job | null): Verdict {
  const { reason = '', message = '' } = pod.status ?? {}
  const deadline = deadlineOf(job)
  if (reason === 'DeadlineExceeded' || deadline) return lost(deadline ?? 'ran past its deadline')
  const container = containers(pod).find(({ state }) => state?.terminated && state.terminated.exitCode !== 0)
  const { exitCode = 0, reason: why = '', message: said = '' } = container?.state?.terminated ?? {}
  if (why === 'OOMKilled') return ended('out of memory', true)
  if (reason === 'Evicted') return lost(`evicted${message ? `: ${message.trim()}` : ''}`)
  if (reason) return lost(`${onNode(pod)}${reason}${message ? `: ${message.trim()}` : ''}`)
  const disrupted = disruption(pod)
  if (disrupted) return lost(disrupted)
  if (why === 'StartError' || why === 'ContainerCannotRun') return lost(`its container can't be started: ${said || why}`, true)
  // killed from outside: that says nothing about the agent itself
  if (exitCode === 137 || exitCode === 143) return lost(`killed by ${exitCode === 137 ? 'SIGKILL' : 'SIGTERM'}`)
  return lost(container ? `exit code ${exitCode}` : 'its pod failed', Boolean(container))
}

/** Why a pod that was alive when last seen isn't there any more. */
export function verdictOnGone(pod: Pod, job: Job | null): Verdict {
  return lost(deadlineOf(job) ?? disruption(pod) ?? 'its pod was deleted')
}

function deadlineOf(job: Job | null): string | null {
  const failure = job?.status?.conditions?.find(({ type, reason }) => /^Fail/.test(type) && reason === 'DeadlineExceeded')
  if (!failure) return null
  const seconds = job?.spec?.activeDeadlineSeconds
  return `ran past the deadline of its Job${seconds ? ` (${formatDuration(seconds * 1000)})` : ''}`
}

const disruptions: Record<string, string> = {
  PreemptionByScheduler: 'a more important pod took its place',
  DeletionByTaintManager: 'its node does not answer',
  DeletionByPodGC: 'its node is gone',
  EvictionByEvictionAPI: 'evicted',
}

function disruption(pod: Pod): string | null {
  const told = pod.status?.conditions?.find(({ type, status }: Condition) => type === 'DisruptionTarget' && status === 'True')
  if (!told) return null
  const why = disruptions[told.reason ?? ''] ?? told.reason ?? 'disrupted'
  return `${onNode(pod)}${why}${told.message ? ` (${told.message})` : ''}`
}

const onNode = ({ spec }: Pod): string => (spec?.nodeName ? `node ${spec.nodeName}: ` : '')

const ownerOf = ({ metadata }: Pod): string | undefined => metadata.ownerReferences?.find(({ kind }) => kind === 'Job')?.name

/** The name of the Job a pod belongs to. */
export const jobNameOf = (pod: Pod): string | undefined =>
  ownerOf(pod) ?? pod.metadata.labels?.['batch.kubernetes.io/job-name'] ?? pod.metadata.labels?.['job-name']

/** The agent's process may be running: it must show itself to the queue. */
export const isRunning = ({ status, metadata }: Pod): boolean =>
  status?.phase === 'Running' && !metadata.deletionTimestamp && containers({ status } as Pod).some(({ state }) => state?.running)

/** Complete or Failed: KEDA does not count it any more. */
export const isFinished = ({ status }: Job): boolean =>
  (status?.conditions ?? []).some((one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True')
