import type { Kube } from '#lib/cluster/kube.ts'
import { kinds, type Job, type KubeObject, type Pod, type ScaledJob } from '#lib/cluster/types.ts'
import { watch } from '#lib/cluster/watch.ts'
import { cluster } from '#lib/contract.ts'
import type { Say } from '../say.ts'

export interface MirrorOptions {
  kube: Kube
  namespace: string
  signal: AbortSignal
  say: Say
  /** Something changed, or is known again after an outage. */
  onChange: () => void
  /** A pod that was known isn't there any more; as it was last seen. */
  onGone: (pod: Pod) => void
}

/** The pods, Jobs and ScaledJobs of the pools, as they are now: kept by three watches. */
export function clusterMirror({ kube, namespace, signal, say, onChange, onGone }: MirrorOptions) {
  const pods = new Map<string, Pod>()
  const jobs = new Map<string, Job>()
  const scaledJobs = new Map<string, ScaledJob>()
  const stale = new Set<string>(['Pod', 'Job', 'ScaledJob'])
  const old = new Set<string>()
  let seenPods = false

  const follow = <T extends KubeObject>(kind: { apiVersion: string; kind: string }, known: Map<string, T>): Promise<void> => {
    const gone = (name: string): void => {
      const last = known.get(name)
      known.delete(name)
      if (last && kind.kind === 'Pod') onGone(last as unknown as Pod)
    }
    const keep = (object: T): void => {
      const name = object.metadata.name!
      const before = known.get(name)
      // another object of the same name: the one we knew is gone
      if (before && before.metadata.uid !== object.metadata.uid) gone(name)
      known.set(name, object)
    }
    return watch<T>(
      kube,
      { ...kind, namespace, labels: cluster.poolLabel },
      {
        full(all) {
          const names = new Set(all.map(({ metadata }) => metadata.name!))
          all.forEach(keep)
          for (const name of [...known.keys()]) if (!names.has(name)) gone(name)
          if (kind.kind === 'Pod' && !seenPods) {
            seenPods = true
            for (const pod of all as Pod[]) if (/^(Succeeded|Failed)$/.test(pod.status?.phase ?? '')) old.add(pod.metadata.uid!)
          }
          stale.delete(kind.kind)
          onChange()
        },
        change(type, object) {
          if (type === 'DELETED') {
            if (known.has(object.metadata.name!)) keep(object)
            gone(object.metadata.name!)
          } else keep(object)
          onChange()
        },
        trouble(error) {
          if (error) stale.add(kind.kind)
          else stale.delete(kind.kind)
          say('cluster', error ? 'trouble' : 'works again', { watch: kind.kind, ...(error && { why: error.message }) })
          if (!error) onChange()
        },
      },
      signal,
    )
  }

  const following = Promise.all([follow(kinds.scaledJob, scaledJobs), follow(kinds.job, jobs), follow(kinds.pod, pods)])
  return {
    pods,
    jobs,
    scaledJobs,
    /** All three are as the API server has them now. */
    fresh: () => stale.size === 0,
    /** Uids of the pods that had ended before we came: they are not counted against anybody. */
    old: old as ReadonlySet<string>,
    stopped: following.then(() => {}),
  }
}

export type Mirror = ReturnType<typeof clusterMirror>
