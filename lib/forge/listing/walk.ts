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
const mostPasses = 5

/**
 * Every repository of a list, each once. What is pushed to or deleted during the walk shifts the pages, and one that stands at their border
 * may be seen twice, or not at all; so a walk over several pages that differ from the last time is repeated until it brings nothing new, which costs a
 * conditional request a page.
 */
export async function walk(options: WalkOptions): Promise<Walked> {
  const { cache, trouble } = options
  const found = new Map<string, ListedRepo>()
  let unchanged = 0
  for (let pass = 1; pass <= mostPasses; pass++) {
    const before = found.size
    const seen = await onePass(options, found)
    unchanged += seen.unchanged
    for (const path of cache.pages.keys()) if (!seen.paths.has(path)) cache.pages.delete(path)
    const counted = seen.totals.size === 1 && seen.totals.has(found.size)
    const settled = pass > 1 ? found.size === before : !seen.news || seen.paths.size === 1 || counted
    if (settled) return { repos: [...found.values()], unchanged }
  }
  throw trouble('its list changes faster than it can be read')
}

interface Pass {
  paths: Set<string>
  unchanged: number
  news: boolean
  /** What the pages say of how many there are; null: one doesn't. */
  totals: Set<number | null>
}

async function onePass({ first, ask, cache, onPage, trouble }: WalkOptions, found: Map<string, ListedRepo>): Promise<Pass> {
  const pass: Pass = { paths: new Set(), unchanged: 0, news: false, totals: new Set() }
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
    for (const repo of repos) found.set(repo.id, repo)
    onPage?.(found.size)
    path = next
  }
  return pass
}
