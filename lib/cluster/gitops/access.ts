import { createHash, randomBytes } from 'node:crypto'
import { cluster } from '#lib/contract.ts'
import type { TokenWish } from '../gitea-token.ts'
import { tokenStep } from '../gitea-token.ts'
import { ensureHook, hookLack, type ClusterHook } from '../hook-wish.ts'
import type { Kube } from '../kube.ts'
import { kept, secret, type Secret } from '../secret.ts'
import type { Ref } from '../types.ts'
import type { mustLogin } from '../gitea-login.ts'

type Admin = Awaited<ReturnType<typeof mustLogin>>
const { flux: namespace, configOwner: owner, configRepo: name, fluxReceiver, fluxReceiverSecret, fluxStatusSecret } = cluster
const repo = { owner, name }
export const fluxUser = 'flux'

/** One that reads, for what is applied; and one that may say what became of a commit, which nobody else has. */
const tokens: readonly TokenWish[] = [
  {
    ...{ user: fluxUser, title: 'flux-read', scopes: ['read:repository'], namespace, secret: namespace, key: 'password' },
    beside: { username: fluxUser },
  },
  { user: fluxUser, title: 'flux-status', scopes: ['write:repository'], namespace, secret: fluxStatusSecret, key: 'token' },
]

const receiverSecretRef = { apiVersion: 'v1', kind: 'Secret', metadata: { name: fluxReceiverSecret, namespace } }

async function receiverToken(kube: Kube, signal: AbortSignal): Promise<string | undefined> {
  const found = await kube.get<Secret & Ref>(receiverSecretRef, signal)
  return kept({ existing: found ? [found] : [], random: randomBytes }, fluxReceiverSecret, 'token')
}

/** Where Flux's Receiver listens: a name that only who has its token can make (notification-controller, GetWebhookPath). */
export const receiverPath = (token: string): string =>
  `/hook/${createHash('sha256').update(`${token}${fluxReceiver}${namespace}`).digest('hex')}`

/** A push to the config repository is applied at once, and not at the next look. */
const hookOf = (token: string): ClusterHook => ({
  where: repo,
  url: `http://webhook-receiver.${namespace}.svc${receiverPath(token)}`,
  events: ['push'],
  secret: { namespace, name: fluxReceiverSecret, key: 'token' },
})

/** What Flux lacks to read from Gitea, to hear of pushes and to answer, in order, each with how to give it. Asks, and changes nothing. */
export async function accessSteps(
  kube: Kube,
  admin: Admin,
  signal: AbortSignal,
): Promise<{ why: string; do: () => Promise<void> }[]> {
  const list: { why: string; do: () => Promise<void> }[] = []
  const hasUser = await admin.hasUser(fluxUser)
  if (!hasUser)
    list.push({ why: `there is no user ${fluxUser}`, do: () => admin.makeUser(fluxUser, randomBytes(24).toString('base64url')) })
  // statuses are writes
  if (!hasUser || !(await admin.mayWork(repo, fluxUser)))
    list.push({ why: `${fluxUser} may not work on ${owner}/${name}`, do: () => admin.letWork(repo, fluxUser, 'write') })
  for (const wish of tokens) {
    const step = await tokenStep(kube, admin, wish, signal)
    if (step) list.push(step)
  }
  const token = await receiverToken(kube, signal)
  if (!token)
    list.push({
      why: `Secret ${namespace}/${fluxReceiverSecret} has no token`,
      do: async () =>
        void (await kube.apply(secret(fluxReceiverSecret, namespace, { token: randomBytes(32).toString('hex') }), {
          force: true,
        })),
    })
  const lack = token ? await hookLack(kube, admin, hookOf(token), signal) : 'Gitea has no webhook to Flux'
  if (lack)
    list.push({ why: lack, do: async () => ensureHook(kube, admin, hookOf((await receiverToken(kube, signal))!), signal) })
  return list
}
