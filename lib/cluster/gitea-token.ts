import type { GiteaAdmin } from '#lib/forge/gitea-admin.ts'
import { cluster } from '#lib/contract.ts'
import { UnreachableError } from '#lib/errors.ts'
import type { Kube } from './kube.ts'
import { secret, type Secret } from './secret.ts'
import type { Ref } from './types.ts'

/** A token that stands in a Secret, for one purpose. */
export interface TokenWish {
  /** Whose it is. */
  user: string
  /** What its name at Gitea begins with. */
  title: string
  /** As few as will do. */
  scopes: readonly string[]
  namespace: string
  secret: string
  /** The key under which it stands, and what else is written beside it. */
  key: string
  beside?: Readonly<Record<string, string>>
  /** How it is written there, and read; default: as it is. */
  write?: (token: string) => string
  read?: (text: string) => string | undefined
}

const refOf = ({ namespace, secret: name }: TokenWish) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } })

async function tokenIn(kube: Kube, wish: TokenWish, signal: AbortSignal): Promise<string | undefined> {
  const text = (await kube.get<Secret & Ref>(refOf(wish), signal))?.data?.[wish.key]
  const plain = text && Buffer.from(text, 'base64').toString()
  return plain ? (wish.read ?? ((one) => one))(plain) : undefined
}

/** What we made under that title, and not what a person has called alike. */
const isOurs = ({ title }: TokenWish, name: string): boolean =>
  name.startsWith(`${title}-`) && /^\d{17}$/.test(name.slice(title.length + 1))

/** Names of tokens of that title that nobody has: who made them was interrupted before they were written down, or before the older ones were taken away. */
export async function spareTokens(
  kube: Kube,
  admin: Pick<GiteaAdmin, 'tokens'>,
  wish: TokenWish,
  signal: AbortSignal,
): Promise<string[]> {
  const token = await tokenIn(kube, wish, signal)
  const all = (await admin.tokens(wish.user)).filter(({ name }) => isOurs(wish, name))
  const used = all.find(({ token_last_eight: last }) => last && token?.endsWith(last))
  return used ? all.filter((one) => one !== used).map(({ name }) => name) : []
}

/** What is wrong with a token, with how to make it good; null: nothing. */
export async function tokenStep(
  kube: Kube,
  admin: GiteaAdmin,
  wish: TokenWish,
  signal: AbortSignal,
): Promise<{ why: string; do: () => Promise<void> } | null> {
  const why = await tokenLack(kube, admin.url, wish, signal)
  if (why) return { why, do: () => renewToken(kube, admin, wish) }
  const spare = await spareTokens(kube, admin, wish, signal)
  if (!spare.length) return null
  const drop = async (): Promise<void> => {
    for (const name of spare) await admin.dropToken(wish.user, name)
  }
  return { why: `Gitea has tokens of ${wish.user} that nobody uses: ${spare.join(', ')}`, do: drop }
}

/** Why a new token is needed; null: the one that is there opens the config repository. Asks Gitea with that token alone. */
export async function tokenLack(kube: Kube, url: string, wish: TokenWish, signal: AbortSignal): Promise<string | null> {
  const where = `Secret ${wish.namespace}/${wish.secret}`
  const token = await tokenIn(kube, wish, signal)
  if (!token) return `${where} has no ${wish.key}`
  if (!/^[\x21-\x7e]{1,200}$/.test(token)) return `${where}: ${wish.key} holds no token`
  const path = `/api/v1/repos/${cluster.configOwner}/${cluster.configRepo}`
  const response = await fetch(url + path, {
    headers: { authorization: `token ${token}` },
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
  }).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason
    throw new UnreachableError(`cannot reach Gitea at ${url}: ${String((error as Error).cause ?? error).slice(0, 200)}`)
  })
  await response.body?.cancel()
  return response.ok ? null : `Gitea answers ${response.status} to the ${wish.key} in ${where}`
}

/** Makes a token, writes it into its Secret, and then takes away the older ones of that title: whoever reads meanwhile has one that is good. */
export async function renewToken(kube: Kube, admin: GiteaAdmin, wish: TokenWish, now = new Date()): Promise<void> {
  // a name that Gitea has already is refused, so each is of its own moment
  const title = `${wish.title}-${now.toISOString().replaceAll(/[^0-9]/g, '')}`
  const token = await admin.makeToken(wish.user, title, wish.scopes)
  const { data } = secret(wish.secret, wish.namespace, { ...wish.beside, [wish.key]: (wish.write ?? ((one) => one))(token) })
  // an update, not an apply: what else is in there belongs to whoever applied it
  if (await kube.get(refOf(wish))) await kube.patch(refOf(wish), { data })
  else await kube.create({ ...refOf(wish), type: 'Opaque', data } as never)
  for (const { name } of await admin.tokens(wish.user))
    if (name !== title && isOurs(wish, name)) await admin.dropToken(wish.user, name)
}
