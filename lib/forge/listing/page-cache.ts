import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod/mini'
import { files } from '#lib/contract.ts'
import type { Account, ListedRepo } from './types.ts'

/** A page of a list as it was last, and by what to ask whether it still is so. */
export interface KeptPage {
  etag: string
  /** Path of the page behind it; null: it was the last. */
  next: string | null
  repos: ListedRepo[]
}

export interface PageCache {
  /** What was found out about the account and holds until it is contradicted (an organisation or a user). */
  kind: string | null
  pages: Map<string, KeptPage>
  /** Something in it is not yet kept. */
  dirty: boolean
}

const maxBytes = 64 * 1024 * 1024

const repoShape = z.object({
  forge: z.enum(['github', 'gitlab', 'gitea']),
  forgeUrl: z.string(),
  ...{ id: z.string(), owner: z.string(), name: z.string(), cloneUrl: z.string() },
  ...{ private: z.boolean(), fork: z.boolean(), archived: z.boolean(), empty: z.nullable(z.boolean()) },
  ...{ description: z.string(), topics: z.array(z.string()), language: z.nullable(z.string()) },
  ...{ defaultBranch: z.nullable(z.string()), bytes: z.nullable(z.number()), pushedAt: z.nullable(z.number()) },
})
const pageShape = z.object({ etag: z.string(), next: z.nullable(z.string()), repos: z.array(repoShape) })
const cacheShape = z.object({
  ...{ version: z.literal(1), url: z.string(), name: z.string(), reader: z.string() },
  ...{ kind: z.nullable(z.string()), pages: z.record(z.string(), pageShape) },
})

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
/** What a token sees is not what another one sees, and what GitHub calls unchanged is so for one token. */
const readerOf = (token: string | null): string => hash(token ?? '').slice(0, 16)
const pathOf = (home: string, { forge, url, name }: Account): string =>
  join(home, files.mirrorListings, `${hash(`${forge} ${url} ${name}`).slice(0, 32)}.json`)

/** The pages as they were listed last with this token. A cache that can't be read, or was written by another, is none. */
export function loadPages(home: string, account: Account, token: string | null): PageCache {
  try {
    const { url, name, reader, kind, pages } = z.parse(cacheShape, JSON.parse(readWhole(pathOf(home, account))))
    if (url === account.url && name === account.name && reader === readerOf(token))
      return { kind, pages: new Map(Object.entries(pages)), dirty: false }
  } catch {
    // nothing is kept yet, or it is damaged: everything is asked for anew
  }
  return { kind: null, pages: new Map(), dirty: false }
}

/** Keeps them, whole or not at all, for nobody else to read: private repositories are named there. */
export function savePages(home: string, account: Account, token: string | null, { kind, pages }: PageCache): void {
  const path = pathOf(home, account)
  const { url, name } = account
  const text = JSON.stringify({ version: 1, url, name, reader: readerOf(token), kind, pages: Object.fromEntries(pages) })
  if (Buffer.byteLength(text) > maxBytes) return rmSync(path, { force: true })
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' })
    renameSync(fresh, path)
  } finally {
    rmSync(fresh, { force: true })
  }
}

function readWhole(path: string): string {
  // NONBLOCK: or a FIFO would be waited for
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { size } = fstatSync(file)
    if (size > maxBytes) throw new Error('too long')
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
