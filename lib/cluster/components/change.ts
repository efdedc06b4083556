import type { ClusterContext } from '../component.ts'
import { differences, type Difference } from '../diff.ts'
import type { Kube } from '../kube.ts'
import { nameOf, type KubeObject } from '../object.ts'
import type { KubeObject as Live } from '../types.ts'
import { isFluxOwned, wishFor } from '../wish.ts'
import { gone, unknownKind } from './gone.ts'

/** What an apply of one object would do, and what would be sent. */
export type Change = { wish: KubeObject } & ({ is: 'new' } | { is: 'going' } | { is: 'other'; fields: Difference[] })

/** What has to be done about an object; null: nothing, or it is Flux's to do. The server is asked, and nothing is written. */
export async function changeOf(kube: Kube, wanted: KubeObject, signal?: AbortSignal): Promise<Change | null> {
  // of a kind that isn't known there can be no object
  const live = await kube.get<Live>(wanted, signal).catch(unknownKind)
  if (!live) return { is: 'new', wish: wanted }
  const wish = wishFor(wanted, live)
  if (live.metadata.deletionTimestamp) return { is: 'going', wish }
  if (isFluxOwned(live)) return null
  const would = await kube.apply<Live & KubeObject>(wish as Live & KubeObject, { force: true, dryRun: true })
  const fields = differences(live, would)
  return fields.length ? { is: 'other', fields, wish } : null
}

/** Makes an object as it is wanted; what is being deleted is waited for, for what is applied to it would go with it. */
export async function put(kube: Kube, one: KubeObject, ctx: ClusterContext): Promise<void> {
  ctx.signal.throwIfAborted()
  const change = await changeOf(kube, one, ctx.signal)
  if (!change) return
  if (change.is === 'going') await gone(kube, [one], ctx)
  ctx.say(`applies ${nameOf(one)}`)
  await kube.apply(change.is === 'going' ? one : change.wish, { force: true })
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60))

/** `Deployment infrastructure/gitea: spec.replicas is 0, not 1`. */
export function sentence(change: Change): string {
  const name = nameOf(change.wish)
  if (change.is === 'new') return `${name} is missing`
  if (change.is === 'going') return `${name} is being deleted`
  const [first, ...others] = change.fields
  const rest = others.length ? ` (and ${others.length} more)` : ''
  return `${name}: ${first!.path} is ${shown(first!.from)}, not ${shown(first!.to)}${rest}`
}
