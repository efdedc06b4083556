import type { Kube } from '../kube.ts'
import { kinds, type KubeObject, type Pod, type Ref } from '../types.ts'
import { selectorOf } from '../workload.ts'

/** The last lines of the newest pod of each workload; with `follow` those that come, of the first that has a pod. */
export async function* logsOf(
  kube: Kube,
  workloads: readonly Ref[],
  { tail, follow }: { tail: number; follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const one of workloads) {
    const live = await kube.get<KubeObject>(one, signal)
    if (!live) continue
    const namespace = one.metadata.namespace ?? ''
    const { items } = await kube.list<Pod>({ ...kinds.pod, namespace, labels: selectorOf(live) }, signal)
    const [newest] = items.toSorted((a, b) =>
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
    )
    const name = newest?.metadata.name
    if (!name) continue
    const container = newest.spec?.containers?.[0]?.name
    if (follow) return yield* kube.followLog(namespace, name, { container, tail, signal })
    yield* await kube.podLog(namespace, name, { container, tail, signal })
  }
}
