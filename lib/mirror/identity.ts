/**
 * Whose mirror a mirror is: the source's own id, kept in Gitea as a topic. It stays through renames and transfers, on both sides, and there is
 * no file of ours that could be lost.
 */
import { hash } from 'node:crypto'
import type { ListedRepo } from '#lib/forge/listing/types.ts'

/** Topics of Gitea are at most 35 characters of a-z, 0-9, "-" and ".". */
const form = /^rb-(?:github|gitlab|gitea|git)-[0-9a-f]{8}-[0-9a-z]{1,16}$/

/** On a mirror whose source is gone. */
export const goneTopic = 'rb-gone'

/** The mark of a source: `rb-github-1a2b3c4d-12345678`, of the forge's kind, its address and its own id. */
export function markOf({ forge, forgeUrl, id }: Pick<ListedRepo, 'forge' | 'forgeUrl' | 'id'>): string {
  const place = forgeUrl
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/\/+$/, '')
    .toLowerCase()
  return `rb-${forge}-${digest(place, 8)}-${/^[0-9a-z]{1,16}$/.test(id) ? id : digest(id, 16)}`
}

/** The mark among a mirror's topics; null: it has none, so it is not ours. */
export const markIn = (topics: readonly string[]): string | null => topics.find((topic) => form.test(topic)) ?? null

/** The forge's own id in a mark; null: it is only a digest of it, or of an address. */
export const idInMark = (mark: string): string | null =>
  /^rb-(?:github|gitlab|gitea)-[0-9a-f]{8}-(\d{1,16})$/.exec(mark)?.[1] ?? null

/** What a mirror is called until the place of the one that it takes over is free; and what that one is called until it goes. */
export const newName = (mark: string): string => mark
export const oldName = (mark: string): string => `${mark}-old`

/** Whether two clone addresses are the same repository's. */
export const sameSource = (a: string, b: string): boolean => bare(a) === bare(b)

/** No forge has two repositories that differ by case only. */
const bare = (url: string): string =>
  url
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .toLowerCase()

const digest = (text: string, length: number): string => hash('sha256', text).slice(0, length)
