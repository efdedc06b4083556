import { setTimeout as sleep } from 'node:timers/promises'
import type { Kube } from '#lib/cluster/kube.ts'
import { kinds, type KubeObject, type Pod } from '#lib/cluster/types.ts'

export interface PlayOptions {
  /** What becomes of a pod instead of running: its status. */
  instead?: (pod: Pod) => object | null
  /** Whose volumes are provided; default: all. */
  volumes?: (claim: KubeObject) => boolean
}

/**
 * Plays the node that this cluster hasn't: a volume for each claim, and for each pod of the namespaces the status of one that runs and is ready. Nothing is run:
 * what a test sees of readiness is what this wrote.
 */
export function playNode(
  kube: Kube,
  namespaces: readonly string[],
  { instead = () => null, volumes = () => true }: PlayOptions = {},
) {
  const stop = new AbortController()
  const node = `played-${Math.random().toString(36).slice(2, 8)}`
  const made: KubeObject[] = []
  const now = (): string => new Date().toISOString()

  async function addNode(): Promise<void> {
    // what a test that was killed has left plays no more
    for (const { metadata } of (await kube.list<KubeObject>(kinds.node)).items)
      if (metadata.name?.startsWith('played-')) await kube.remove({ ...kinds.node, metadata })
    const it = { apiVersion: 'v1', kind: 'Node', metadata: { name: node, labels: { 'kubernetes.io/hostname': node } }, spec: {} }
    await kube.apply(it)
    made.push(it)
    await beat()
  }

  /** A node that isn't heard of for 40 s is taken for lost, and its pods for not ready. */
  let beaten = 0
  async function beat(): Promise<void> {
    if (Date.now() - beaten < 5000) return
    beaten = Date.now()
    const it = { ...kinds.node, metadata: { name: node } }
    const room = { cpu: '64', memory: '256Gi', pods: '200', 'ephemeral-storage': '1Ti' }
    await kube.patch(
      it,
      {
        status: { capacity: room, allocatable: room, conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: now() }] },
      },
      'status',
    )
  }

  async function bind(claim: KubeObject): Promise<void> {
    const { name, namespace, uid } = claim.metadata
    const { resources, accessModes } = claim.spec as { resources: { requests: object }; accessModes: string[] }
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `played-${uid}` },
      spec: {
        ...{ accessModes, capacity: resources.requests, hostPath: { path: '/nowhere' }, persistentVolumeReclaimPolicy: 'Delete' },
        ...{ storageClassName: '', claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid } },
      },
    }
    await kube.apply(volume)
    made.push(volume)
  }

  async function run(pod: Pod): Promise<void> {
    const { metadata, spec } = pod
    const own = instead(pod)
    const container = ({ name, image = '' }: { name: string; image?: string }): object => ({
      ...{ name, image, imageID: image, ready: true, restartCount: 0, started: true, state: { running: { startedAt: now() } } },
    })
    const conditions = ['Ready', 'ContainersReady', 'Initialized', 'PodScheduled'].map((type) => ({ type, status: 'True' }))
    const status = own ?? {
      phase: 'Running',
      startTime: now(),
      conditions,
      containerStatuses: (spec?.containers ?? []).map(container),
    }
    await kube.patch({ ...kinds.pod, metadata }, { status }, 'status')
  }

  async function round(): Promise<void> {
    await beat()
    for (const namespace of namespaces) {
      const claims = await kube.list<KubeObject>({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace })
      for (const one of claims.items) if ((one.status as { phase?: string }).phase === 'Pending' && volumes(one)) await bind(one)
      const pods = await kube.list<Pod>({ ...kinds.pod, namespace })
      for (const pod of pods.items) {
        if (pod.metadata.deletionTimestamp) await kube.remove({ ...kinds.pod, metadata: pod.metadata }, { graceSeconds: 0 })
        else if (pod.spec?.nodeName === node && pod.status?.phase === 'Pending') await run(pod)
      }
    }
  }

  const done = (async () => {
    await addNode()
    while (!stop.signal.aborted) {
      // what went meanwhile, or was written by somebody else just now, comes again
      await round().catch(() => {})
      await sleep(200, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()

  return {
    async close(): Promise<void> {
      stop.abort()
      await done
      for (const one of made) await kube.remove(one).catch(() => {})
    },
  }
}
