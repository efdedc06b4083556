import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { pause } from '#lib/queue/keeper.ts'
import type { Kube } from './kube.ts'
import { reasonsOf, type KubeEvent } from './reasons.ts'
import { kinds, type Condition, type KubeObject, type Pod, type Ref } from './types.ts'

export interface WaitOptions {
  withinMs: number
  signal?: AbortSignal
  /** Label selector of the pods that belong to it, for the reasons. */
  pods?: string
}

/** A test for `waitFor`: the object has a condition of that type with status True. */
export const hasCondition =
  (type: string, status = 'True') =>
  (object: KubeObject | null): boolean =>
    ((object?.status as { conditions?: Condition[] } | undefined)?.conditions ?? []).some(
      (one) => one.type === type && one.status === status,
    )

/**
 * Waits until the test holds for the object (null: it isn't there), and gives it. RaibidError after `withinMs`, with the reasons
 * that its conditions, its pods and the warnings about it give; an API server that is away is waited for as long.
 */
export async function waitFor<T extends KubeObject>(
  kube: Kube,
  ref: Ref,
  what: string,
  test: (object: T | null) => boolean,
  { withinMs, signal = new AbortController().signal, pods }: WaitOptions,
): Promise<T | null> {
  const end = performance.now() + withinMs
  let away: Error | undefined
  let last: T | null = null
  for (let ms = 50; ; ms = Math.min(1000, ms * 1.5)) {
    try {
      last = await kube.get<T>(ref, signal)
      if (test(last)) return last
      away = undefined
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!(error instanceof UnreachableError)) throw error
      away = error
    }
    if (performance.now() + ms > end) break
    await pause(ms, signal)
    if (signal.aborted) throw signal.reason
  }
  const named = `${ref.kind} ${ref.metadata.name ?? ''}`
  const why = away ? [away.message] : await reasons(kube, ref, last, pods)
  const text = `${named} was not ${what} within ${withinMs / 1000} s${why.length ? `: ${why.join('; ')}` : ''}`
  throw away ? new UnreachableError(text) : new RaibidError(text)
}

/** What the cluster says about an object. Whatever can't be asked is left out. */
async function reasons(kube: Kube, ref: Ref, object: KubeObject | null, selector?: string): Promise<string[]> {
  const { namespace } = ref.metadata
  const of = namespace ? { namespace } : {}
  const fields = `involvedObject.kind=${ref.kind},involvedObject.name=${ref.metadata.name ?? ''}`
  const [pods, events] = await Promise.all([
    selector ? kube.list<Pod>({ ...kinds.pod, ...of, labels: selector }).catch(() => ({ items: [] })) : { items: [] },
    kube.list<KubeEvent>({ ...kinds.event, ...of, fields }).catch(() => ({ items: [] })),
  ])
  return reasonsOf(object, pods.items, events.items)
}
