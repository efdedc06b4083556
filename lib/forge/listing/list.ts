/** An account's repositories, or a single one, as their forge has them. All of it or an error: half a list would be taken for the truth. */
import { messageOf } from '#lib/errors.ts'
import { unreachable } from '../call.ts'
import { RefusedError } from '../errors.ts'
import type { Asking, Lister } from './lister.ts'
import { loadPages, savePages, type PageCache } from './page-cache.ts'
import type { Account, Listing, ListingForge } from './types.ts'
import { walk, type Walked } from './walk.ts'

export interface ListOptions extends Asking {
  /** RAIBID_HOME, where the pages are kept that make the next listing cheap. */
  home: string
  /** Told after each page how many are listed so far. */
  onPage?: ((listed: number) => void) | undefined
}

/**
 * Every repository of an account that the token may see. Throws RefusedError (also: no such account, with status 404) and UnreachableError; an
 * AbortError when it is told to stop.
 */
export async function listAccount(account: Account, { home, onPage, ...asking }: ListOptions): Promise<Listing> {
  const lister = await listerOf(account.forge, account.url, asking)
  const cache = loadPages(home, account, asking.token)
  const warnings: string[] = []
  let walked: Walked
  try {
    walked = await walkAccount(lister, account.name, cache, onPage)
  } finally {
    // also what was read before it failed: the next listing is cheaper by that
    if (cache.dirty) warnings.push(...keep(home, account, asking.token, cache))
  }
  const { repos, unchanged } = walked
  return { account, repos, requests: lister.requests(), unchanged, warnings: [...lister.warnings(), ...warnings] }
}

/** What is kept is worth a few requests, and no failure. */
function keep(...what: Parameters<typeof savePages>): string[] {
  try {
    savePages(...what)
    return []
  } catch (error) {
    return [`the list of ${what[1].name} could not be kept for the next time: ${messageOf(error)}`]
  }
}

/** By its kind as it was known last, or the first kind that there is: an organisation is told from a user by trying. */
async function walkAccount(lister: Lister, name: string, cache: PageCache, onPage: ListOptions['onPage']): Promise<Walked> {
  const { place } = lister
  const attempt = (kind: string): Promise<Walked | null> =>
    walk({
      first: lister.first(kind, name),
      ask: (path, etag) => lister.ask(path, etag, name),
      ...{ cache, onPage, trouble: (why) => unreachable(place, why) },
    }).catch((error: unknown) => {
      if (error instanceof RefusedError && error.status === 404) return null
      throw error
    })
  const known = cache.kind && (await attempt(cache.kind))
  if (known) return known
  for (const kind of lister.kinds) {
    const best = await lister.kindOf(kind, name)
    if (best === cache.kind) continue
    const walked = await attempt(best)
    if (!walked) continue
    ;[cache.kind, cache.dirty] = [best, true]
    return walked
  }
  throw new RefusedError(
    `${place.title} at ${place.url} has no ${lister.called} called ${name}, or ` +
      (lister.anonymous ? 'shows it only to a token that may see it' : 'our token may not see it'),
    404,
  )
}

export async function listerOf(forge: ListingForge, url: string, asking: Asking): Promise<Lister> {
  if (forge === 'github') return (await import('./github.ts')).githubLister(url, asking)
  if (forge === 'gitlab') return (await import('./gitlab.ts')).gitlabLister(url, asking)
  return (await import('./gitea.ts')).giteaLister(url, asking)
}
