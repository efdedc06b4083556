import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kube } from '#lib/cluster/kube.ts'
import { kinds, type Condition, type KubeObject, type Pod } from '#lib/cluster/types.ts'
import { watch } from '#lib/cluster/watch.ts'
import { root } from '#lib/config.ts'
import { agentNodeFlags, env } from '#lib/contract.ts'

interface PodSpec {
  containers: {
    name: string
    image: string
    env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[]
  }[]
}

export interface KubeletOptions {
  kube: Kube
  namespace: string
  node: string
  redisUrl: string
  agentEnv?: NodeJS.ProcessEnv
  /** What becomes of a pod instead of the real agent: its exit code, or a waiting reason (`ErrImagePull`). */
  instead?: (pod: Pod) => number | string | null
}

/**
 * Plays the kubelet: for each pod bound to its node it starts the real agent, from the pod's own spec, and writes the pod's status through the
 * API. A pod that is deleted gets SIGTERM, SIGKILL after its grace, and goes.
 */
export function fakeKubelet({ kube, namespace, node, redisUrl, agentEnv = {}, instead = () => null }: KubeletOptions) {
  const stop = new AbortController()
  const running = new Map<string, ChildProcess>()
  const seen = new Set<string>()
  const ending = new Set<string>()
  const said: string[] = []
  const ref = ({ metadata }: Pod) => ({ ...kinds.pod, metadata: { name: metadata.name!, namespace } })

  /** What a kubelet has to say it says until it is heard, or the pod is gone. */
  async function insist(work: () => Promise<unknown>): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        return void (await work())
      } catch (error) {
        if ((error as { status?: number }).status === 404 || (error as { status?: number }).status === 409) return
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }
  const write = (pod: Pod, phase: string, state: object): Promise<void> => {
    const { name, image } = (pod.spec as PodSpec).containers[0]!
    const ready = phase === 'Running'
    const condition = { type: 'Ready', status: ready ? 'True' : 'False' }
    const container = { name, image, imageID: image, ready, restartCount: 0, started: ready, state }
    const status = { phase, startTime: new Date().toISOString(), conditions: [condition], containerStatuses: [container] }
    return insist(() => kube.patch(ref(pod), { status }, 'status'))
  }
  const ended = (pod: Pod, exitCode: number, reason = exitCode ? 'Error' : 'Completed'): Promise<void> =>
    write(pod, exitCode ? 'Failed' : 'Succeeded', { terminated: { exitCode, reason, finishedAt: new Date().toISOString() } })

  async function start(pod: Pod): Promise<void> {
    const other = instead(pod)
    if (typeof other === 'string') return write(pod, 'Pending', { waiting: { reason: other, message: 'said by the test' } })
    if (typeof other === 'number') return ended(pod, other)
    const { metadata } = pod
    const own = Object.fromEntries(
      ((pod.spec as PodSpec).containers[0]!.env ?? []).map(({ name, value, valueFrom }) => [
        name,
        valueFrom?.fieldRef?.fieldPath === 'metadata.name' ? metadata.name! : (value ?? ''),
      ]),
    )
    const home = mkdtempSync(join(tmpdir(), 'raibid-agent-'))
    const child = spawn(process.execPath, [...agentNodeFlags, join(root, 'agent/main.ts')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, [env.home]: home, ...own, [env.redisUrl]: redisUrl, ...agentEnv },
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => said.push(text))
    running.set(metadata.name!, child)
    child.once('exit', (code, signal) => {
      running.delete(metadata.name!)
      void ended(pod, code ?? (signal === 'SIGTERM' ? 143 : 137)).then(() =>
        ending.has(metadata.uid!) ? remove(pod) : undefined,
      )
    })
    await write(pod, 'Running', { running: { startedAt: new Date().toISOString() } })
  }

  const remove = (pod: Pod): Promise<void> => insist(() => kube.remove(ref(pod), { graceSeconds: 0, uid: pod.metadata.uid }))

  function look(pod: Pod): void {
    const { uid = '', name = '', deletionTimestamp } = pod.metadata
    if ((pod.spec as { nodeName?: string }).nodeName !== node) return
    if (deletionTimestamp && !ending.has(uid)) {
      ending.add(uid)
      const child = running.get(name)
      if (!child) return void remove(pod)
      child.kill('SIGTERM')
      const graceMs = ((pod.metadata as { deletionGracePeriodSeconds?: number }).deletionGracePeriodSeconds ?? 5) * 1000
      setTimeout(() => child.kill('SIGKILL'), graceMs).unref()
    } else if (!seen.has(uid) && !deletionTimestamp) {
      seen.add(uid)
      void start(pod)
    }
  }

  const watching = watch<Pod>(
    kube,
    { ...kinds.pod, namespace },
    {
      full: (pods) => {
        const names = new Set(pods.map(({ metadata }) => metadata.name))
        for (const [name, child] of running) if (!names.has(name)) child.kill('SIGKILL')
        pods.forEach(look)
      },
      change: (type, pod) => (type === 'DELETED' ? void running.get(pod.metadata.name!)?.kill('SIGKILL') : look(pod)),
    },
    stop.signal,
  )
  const beating = beat(kube, node, stop.signal)
  return {
    running,
    /** What the agents said on stderr. */
    said: () => said.join(''),
    async close(): Promise<void> {
      stop.abort()
      await Promise.all([watching, beating])
      for (const child of running.values()) child.kill('SIGKILL')
    },
  }
}

/** A node that is there and ready: without a beat the node controller would take its pods away. */
async function beat(kube: Kube, name: string, signal: AbortSignal): Promise<void> {
  const node: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name } }
  while (!signal.aborted) {
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z')
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now } as Condition
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: now.replace('Z', '.000000Z') }
    try {
      await kube.apply(node)
      await kube.patch(node, { status: { conditions: [ready] } }, 'status')
      await kube.apply({ ...kinds.lease, metadata: { name, namespace: 'kube-node-lease' }, spec })
    } catch {
      // the API server is away: later
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 5000)
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()))
    })
  }
}
