import { createHash } from 'node:crypto'
import type { HookPlace } from '#lib/forge/gitea-hooks.ts'
import type { GiteaAdmin } from '#lib/forge/gitea-admin.ts'
import { isAsWished } from '#lib/forge/hooked.ts'
import type { Hook } from '#lib/forge/types.ts'
import type { Kube } from './kube.ts'
import type { Secret } from './secret.ts'
import type { Ref } from './types.ts'

/** A webhook at Gitea whose secret stands in a Secret. */
export interface ClusterHook {
  where: HookPlace
  url: string
  events: readonly string[]
  secret: { namespace: string; name: string; key: string }
}

/** On the Secret: of which text Gitea was told, for what a forge has it never shows. */
export const hookedAnnotation = 'raibid.dev/webhook-digest'

const refOf = ({ secret: { namespace, name } }: ClusterHook) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
})
const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** What is to be done about the webhooks of one address. Pure. */
export function hookPlan(hooks: readonly Hook[], wish: { url: string; events: readonly string[] }, isTold: boolean) {
  const [first, ...more] = hooks.filter(({ url }) => url === wish.url)
  const drop = more.map(({ id }) => id)
  if (!first) return { do: 'create' as const, drop, why: 'Gitea has no webhook to it' }
  if (!isAsWished(first, { ...wish, secret: '' })) return { do: 'update' as const, id: first.id, drop, why: 'its events differ' }
  if (!isTold) return { do: 'update' as const, id: first.id, drop, why: 'Gitea was told another secret' }
  return drop.length ? { do: 'keep' as const, drop, why: 'there are two of it' } : null
}

async function facts(kube: Kube, admin: GiteaAdmin, wish: ClusterHook, signal: AbortSignal) {
  const found = await kube.get<Secret & Ref & { metadata: { annotations?: Record<string, string> } }>(refOf(wish), signal)
  const text = found?.data?.[wish.secret.key]
  const secret = text ? Buffer.from(text, 'base64').toString() : null
  const isTold = secret !== null && found?.metadata.annotations?.[hookedAnnotation] === digest(secret)
  return { secret, plan: hookPlan(await admin.hooks(wish.where), wish, isTold) }
}

/** What is wrong with it, in words; null: nothing. */
export async function hookLack(kube: Kube, admin: GiteaAdmin, wish: ClusterHook, signal: AbortSignal): Promise<string | null> {
  const { secret, plan } = await facts(kube, admin, wish, signal)
  if (secret === null) return `Secret ${wish.secret.namespace}/${wish.secret.name} has no ${wish.secret.key}`
  return plan && `webhook to ${wish.url}: ${plan.why}`
}

/** Makes it as it should be. Its Secret must be there. */
export async function ensureHook(kube: Kube, admin: GiteaAdmin, wish: ClusterHook, signal: AbortSignal): Promise<void> {
  const { secret, plan } = await facts(kube, admin, wish, signal)
  if (!plan || secret === null) return
  const hook = { url: wish.url, events: wish.events, secret }
  for (const id of plan.drop) await admin.deleteHook(wish.where, id)
  if (plan.do === 'create') await admin.createHook(wish.where, hook)
  if (plan.do === 'update') await admin.updateHook(wish.where, plan.id, hook)
  await kube.patch(refOf(wish), { metadata: { annotations: { [hookedAnnotation]: digest(secret) } } })
}
