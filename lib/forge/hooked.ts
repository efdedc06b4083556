/** Puts our webhook on a repository, an organisation or a whole Gitea; again it changes nothing but what is wrong. */
import { isBuilt, type Forge } from '#lib/config-forges.ts'
import { routes } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { findForge } from './find.ts'
import { placeOf } from './listing/place.ts'
import type { Hook, HookWish, RepoName } from './types.ts'

/** What starts a build: Gitea tells of a pull request's new commits by an event of its own. */
export const events = {
  gitea: ['push', 'pull_request', 'pull_request_sync'],
  github: ['push', 'pull_request'],
} as const

export interface HookChange {
  forge: string
  what: string
  url: string
  did: 'created' | 'kept' | 'updated' | 'removed' | 'nothing'
  tested: boolean
}

export interface HookOptions {
  /** Where the forge reaches serve. */
  address: string
  secret: string
  remove: boolean
  /** Have a signed delivery sent. */
  test: boolean
  /** Give it the secret anew, for what a forge has it never tells. */
  renew: boolean
}

/** Of a clone address; UsageError when it is no configured forge's. */
export async function hookRepository(forges: Forge[], repo: string, options: HookOptions): Promise<HookChange> {
  const found = findForge(forges, repo)
  if (!found) {
    const lab = placeOf(repo, forges)
    if (lab?.forge === 'gitlab')
      throw new UsageError(`${repo} is on GitLab, which is a source of mirrors only: put the webhook on its mirror at your Gitea`)
    const known =
      forges
        .filter(isBuilt)
        .map(({ url }) => url)
        .join(', ') || 'none'
    throw new UsageError(`${repo} is on no forge of raibid.yaml (forges: ${known}); add its forge there`)
  }
  const { forge, owner, name } = found
  const place: RepoName = { owner, name }
  const wish: HookWish = { url: options.address + routes.webhook(forge.kind), secret: options.secret, events: events[forge.kind] }
  const client = forge.kind === 'gitea' ? (await import('./gitea.ts')).gitea(forge) : (await import('./github.ts')).github(forge)
  const change = { forge: forge.url, what: `${owner}/${name}`, url: wish.url }
  const { did, hook } = await ensured(client, place, wish, options)
  if (options.test && hook) await client.testHook(place, hook.id)
  return { ...change, did, tested: options.test && hook !== null }
}

/** Of all that an organisation of a Gitea has, now and later. `remove`, `test` and `renew` are those of repositories. */
export async function hookOrganisation(
  forge: Forge,
  org: string,
  options: Pick<HookOptions, 'address' | 'secret'>,
): Promise<HookChange> {
  const { gitea } = await import('./gitea.ts')
  const client = gitea(forge)
  const wish: HookWish = { url: options.address + routes.webhook('gitea'), secret: options.secret, events: events.gitea }
  const { did } = await ensured(client, { org }, wish, { remove: false, renew: false })
  // serve by itself has another port at each start: what an earlier one left hears nothing any more
  const gone = (await client.hooks({ org })).filter(({ url }) => isEarlier(url, wish.url))
  for (const { id } of gone) await client.deleteHook({ org }, id)
  return { forge: forge.url, what: org, url: wish.url, did, tested: false }
}

type Hooks<Where> = {
  hooks: (where: Where) => Promise<Hook[]>
  createHook: (where: Where, wish: HookWish) => Promise<Hook>
  updateHook: (where: Where, id: number, wish: HookWish) => Promise<Hook>
  deleteHook: (where: Where, id: number) => Promise<void>
}

async function ensured<Where>(
  client: Hooks<Where>,
  where: Where,
  wish: HookWish,
  { remove, renew }: Pick<HookOptions, 'remove' | 'renew'>,
): Promise<{ did: HookChange['did']; hook: Hook | null }> {
  const ours = (await client.hooks(where)).filter(({ url }) => url === wish.url)
  if (remove) {
    for (const { id } of ours) await client.deleteHook(where, id)
    return { did: ours.length ? 'removed' : 'nothing', hook: null }
  }
  // one is enough: of two each push would come twice
  const [first, ...more] = ours
  for (const { id } of more) await client.deleteHook(where, id)
  if (!first) return { did: 'created', hook: await client.createHook(where, wish) }
  if (renew || !isAsWished(first, wish)) return { did: 'updated', hook: await client.updateHook(where, first.id, wish) }
  return { did: 'kept', hook: first }
}

/** The same path on a loopback address, at another port. */
function isEarlier(url: string, ours: string): boolean {
  if (!URL.canParse(url)) return false
  const [one, other] = [new URL(url), new URL(ours)]
  return (
    one.port !== other.port &&
    one.pathname === other.pathname &&
    ['127.0.0.1', '[::1]', 'localhost'].includes(one.hostname) &&
    one.hostname === other.hostname
  )
}

export const isAsWished = ({ active, events: own }: Hook, wish: HookWish): boolean =>
  active && wish.events.every((event) => own.includes(event))
