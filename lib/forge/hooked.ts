/** Puts our webhook on a repository, an organisation or a whole Gitea; again it changes nothing but what is wrong. */
import type { Forge } from '#lib/config.ts'
import { routes } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { findForge } from './find.ts'
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
    const known = forges.map(({ url }) => url).join(', ') || 'none'
    throw new UsageError(`${repo} is on no forge of raibid.yaml (forges: ${known}); add its forge there`)
  }
  const { forge, owner, name } = found
  const place: RepoName = { owner, name }
  const wish: HookWish = { url: options.address + routes.webhook(forge.kind), secret: options.secret, events: events[forge.kind] }
  const client = forge.kind === 'gitea' ? (await import('./gitea.ts')).gitea(forge) : (await import('./github.ts')).github(forge)
  const ours = (await client.hooks(place)).filter(({ url }) => url === wish.url)
  const change = { forge: forge.url, what: `${owner}/${name}`, url: wish.url, tested: false }
  if (options.remove) {
    for (const { id } of ours) await client.deleteHook(place, id)
    return { ...change, did: ours.length ? 'removed' : 'nothing' }
  }
  // one is enough: of two each push would come twice
  const [first, ...more] = ours
  for (const { id } of more) await client.deleteHook(place, id)
  let did: HookChange['did'] = 'kept'
  let hook = first
  if (!hook) [hook, did] = [await client.createHook(place, wish), 'created']
  else if (options.renew || !isAsWished(hook, wish)) [hook, did] = [await client.updateHook(place, hook.id, wish), 'updated']
  if (options.test) await client.testHook(place, hook.id)
  return { ...change, did, tested: options.test }
}

export const isAsWished = ({ active, events: own }: Hook, wish: HookWish): boolean =>
  active && wish.events.every((event) => own.includes(event))
