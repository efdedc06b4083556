import type { Kube } from '#lib/cluster/kube.ts'
import { kinds, type Condition, type KubeObject, type Pod } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import { pause } from '#lib/queue/keeper.ts'
import type { AgentView } from '#lib/queue/reader.ts'
import type { Mirror } from './mirror.ts'
import { isRunning } from './pod-verdict.ts'
import type { PodWatch } from './podwatch.ts'
import type { Say } from '../say.ts'
import { silenceWatch } from '#lib/pool/silence.ts'

export interface HungOptions {
  kube: Kube
  namespace: string
  mirror: Mirror
  watch: PodWatch
  /** The queue's agents; throws while Redis is away. */
  agents: () => Promise<AgentView[]>
  /** Redis answers: what is late then is the agent's. */
  reachable: () => boolean
  lease: number
  signal: AbortSignal
  say: Say
}

/** Agents that hold a job and whose name is that of a pod of ours, but of which there is no pod. */
export const orphans = (views: readonly AgentView[], pods: ReadonlyMap<string, unknown>): string[] =>
  views
    .filter(({ agent, job, pool }) => job && agent.startsWith(`${cluster.scaledJob(pool)}-`) && !pods.has(agent))
    .map(({ agent }) => agent)

/**
 * Ends agents whose pod lives but which don't show themselves to the queue, then gives back what they held; and gives back the jobs of agents
 * whose pod was gone before we could see it go.
 */
export async function watchHung({
  kube,
  namespace,
  mirror,
  watch,
  agents,
  reachable,
  lease,
  signal,
  say,
}: HungOptions): Promise<void> {
  const silence = silenceWatch(lease, Math.max(lease / 5, 2000))
  const ending = new Set<string>()
  let lonely: string[] = []

  async function end(pod: Pod, ms: number): Promise<void> {
    const agent = pod.metadata.name!
    const why = `agent lost: ${(await nodeTrouble(pod)) ?? `hung, silent for ${Math.round(ms / 1000)} s`}`
    if (await watch.end(pod, why)) {
      // its pod's end releases the job; on a node that is gone the pod stays
      for (const till = Date.now() + lease / 5; Date.now() < till && mirror.pods.has(agent);) await pause(50, signal)
      await watch.release(agent, why)
    }
    ending.delete(agent)
  }

  async function nodeTrouble({ spec }: Pod): Promise<string | null> {
    if (!spec?.nodeName) return null
    const node = await kube.get<KubeObject>({ ...kinds.node, metadata: { name: spec.nodeName } }).catch(() => null)
    const conditions = (node?.status as { conditions?: Condition[] } | undefined)?.conditions ?? []
    const ready = conditions.find(({ type }) => type === 'Ready')
    return ready && ready.status !== 'True'
      ? `node ${spec.nodeName} is not ready (${ready.message ?? ready.reason ?? ready.status})`
      : null
  }

  /** A pod that the watch has not told of yet is no orphan: the API server itself must say that there is none. Twice seen. */
  async function giveBack(agent: string): Promise<void> {
    if ((await kube.get({ ...kinds.pod, metadata: { name: agent, namespace } })) === null)
      await watch.release(agent, 'agent lost: its pod is gone')
  }

  while (!signal.aborted) {
    await pause(Math.max(100, lease / 15), signal)
    if (signal.aborted) return
    try {
      if (!reachable() || !mirror.fresh()) {
        silence.forget()
        continue
      }
      const views = await agents()
      const alive = [...mirror.pods.values()].filter(isRunning).map(({ metadata }) => metadata.name!)
      for (const { agent, ms } of silence.look(alive, views, Date.now())) {
        const pod = mirror.pods.get(agent)
        if (!pod || ending.has(agent)) continue
        ending.add(agent)
        void end(pod, ms).catch(() => ending.delete(agent))
      }
      const now = orphans(views, mirror.pods)
      for (const agent of now) if (lonely.includes(agent)) await giveBack(agent)
      lonely = now
    } catch (error) {
      silence.forget()
      if (!signal.aborted) say('podwatch', 'trouble', { why: messageOf(error) })
    }
  }
}
