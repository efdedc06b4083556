import type { ListedRepo } from './types.ts'
import type { PageAnswer } from './walk.ts'
import type { RestAnswer } from './rest.ts'

/** A page of a list that is asked for by `page=<n>` at the path's end. */
export function pageAnswer({ status, headers }: RestAnswer, path: string, repos: () => ListedRepo[], total: string): PageAnswer {
  const on = path.replace(/&page=(\d+)$/, (_, n: string) => `&page=${Number(n) + 1}`)
  const more = /rel="?next"?/.test(headers.get('link') ?? '')
  if (status === 304) return { same: true, next: more ? on : undefined }
  const list = repos()
  const count = Number(headers.get(total) || NaN)
  // a server may give fewer to a page than it was asked for, and say nothing of what follows: then only an empty page is surely the last
  const whole = path.endsWith('&page=1') && list.length >= count
  const last = headers.has('link') ? !more : whole || list.length === 0
  return {
    same: false,
    next: last ? null : on,
    etag: etagOf(headers.get('etag')),
    repos: list,
    total: Number.isInteger(count) ? count : null,
  }
}

/** What may be sent back as it came; null: nothing of that kind. */
export const etagOf = (text: unknown): string | null =>
  typeof text === 'string' && /^[\x21-\x7e]{1,300}$/.test(text) ? text : null
