/** Reads a list page by page, while the list may change under us. */
import type { PageCache } from './page-cache.ts'
import type { ListedRepo } from './types.ts'

export type PageAnswer =
  /** As it was when it had the etag that was sent. `next` undefined: the answer doesn't say. */
  | { same: true; next: string | null | undefined }
  | { same: false; next: string | null; etag: string | null; repos: ListedRepo[]; total: number | null }

export interface WalkOptions {
  /** Path of the first page. */
  first: string
  ask: (path: string, etag: string | null) => Promise<PageAnswer>
  /** What is known of the pages; what is learnt is put there. */
  cache: PageCache
  onPage?: ((listed: number) => void) | undefined
  /** Thrown when the list changes faster than it is read, or never ends. */
  trouble: (why: string) => Error
}

export interface Walked {
  repos: ListedRepo[]
  unchanged: number
}

const mostPages = 1000
const mostPasses = 6

/**
 * Every repository of a list, each once. What is pushed to or deleted during the walk shifts the pages, and one that stands at their border
 * may be seen twice, or not at all. So a walk over several pages that differ from the last time is repeated until two in a row have seen the same:
 * what made the first one miss something (a deletion, a jump to the front) shows in the second. That costs a conditional request a page.
 */
export async function walk(options: WalkOptions): Promise<Walked> {
  const { cache, trouble } = options
  const found = new Map<string, ListedRepo>()
  let unchanged = 0
  let before: Pass | null = null
  for (let n = 1; n <= mostPasses; n++) {
    const pass: Pass = await onePass(options, found)
    unchanged += pass.unchanged
    for (const path of cache.pages.keys()) if (!pass.paths.has(path)) cache.pages.delete(path)
    const whole = n === 1 && (!pass.news || pass.paths.size === 1 || (pass.totals.size === 1 && pass.totals.has(pass.ids.size)))
    if (whole || (before && isSame(before.ids, pass.ids))) return { repos: [...pass.ids].map((id) => found.get(id)!), unchanged }
    before = pass
  }
  throw trouble('its list changes faster than it can be read')
}

const isSame = (a: Set<string>, b: Set<string>): boolean => a.size === b.size && a.isSubsetOf(b)

interface Pass {
  paths: Set<string>
  ids: Set<string>
  unchanged: number
  /** A page was not as it was known. */
  news: boolean
  /** What the pages say of how many there are; null: one doesn't. */
  totals: Set<number | null>
}

async function onePass({ first, ask, cache, onPage, trouble }: WalkOptions, found: Map<string, ListedRepo>): Promise<Pass> {
  const pass: Pass = { paths: new Set(), ids: new Set(), unchanged: 0, news: false, totals: new Set() }
  for (let path: string | null = first; path !== null;) {
    if (pass.paths.size >= mostPages || pass.paths.has(path)) throw trouble('its list does not end')
    pass.paths.add(path)
    const known = cache.pages.get(path)
    const answer = await ask(path, known?.etag ?? null)
    if (answer.same && !known) throw trouble('it calls unchanged what we have never seen')
    const repos: ListedRepo[] = answer.same ? known!.repos : answer.repos
    const next: string | null = answer.same ? (answer.next === undefined ? known!.next : answer.next) : answer.next
    if (answer.same) {
      pass.unchanged += 1
      pass.totals.add(null)
    } else {
      pass.news = true
      pass.totals.add(answer.total)
      cache.dirty = true
      if (answer.etag === null) cache.pages.delete(path)
      else cache.pages.set(path, { etag: answer.etag, next, repos })
    }
    for (const repo of repos) {
      found.set(repo.id, repo)
      pass.ids.add(repo.id)
    }
    onPage?.(found.size)
    path = next
  }
  return pass
}
