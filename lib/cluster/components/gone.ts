import { setTimeout as sleep } from 'node:timers/promises'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'
import type { Kube } from '../kube.ts'
import type { Condition, KubeObject, Ref } from '../types.ts'

const withinMs = 90_000

/** What defines a kind may be gone already, and the objects with it. */
export function unknownKind(error: unknown): null {
  if (error instanceof RaibidError && error.message.includes(' knows no ')) return null
  throw error
}

/** Waits until none of them is there. RaibidError says what holds them. */
export async function gone(kube: Kube, refs: readonly Ref[], { signal, say }: ClusterContext): Promise<void> {
  for (const end = performance.now() + withinMs; ; await sleep(500, undefined, { signal })) {
    const left: KubeObject[] = []
    for (const one of refs) {
      const live = await kube.get<KubeObject>(one, signal).catch(unknownKind)
      if (live) left.push({ ...live, ...one, metadata: live.metadata })
    }
    if (!left.length) return
    say(`waits until ${left[0]!.kind} ${left[0]!.metadata.name} is gone`)
    if (performance.now() > end) throw new RaibidError(`${left.map(stuck).join('; ')} did not go within ${withinMs / 1000} s`)
  }
}

/** What is still there, and who keeps it: finalizers that nobody takes away, or what Kubernetes says of a namespace. */
export function stuck({ kind, metadata, status }: KubeObject): string {
  const { finalizers = [] } = metadata as { finalizers?: string[] }
  const remaining = ((status as { conditions?: Condition[] } | undefined)?.conditions ?? []).filter(
    (one) => kind === 'Namespace' && one.status === 'True' && one.message,
  )
  const why = [
    ...(finalizers.length ? [`its finalizers are ${finalizers.join(', ')}`] : []),
    ...remaining.map(({ message }) => message!),
  ]
  return `${kind} ${metadata.name}${why.length ? ` (${why.join('; ')})` : ''}`
}
