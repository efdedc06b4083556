import { z } from 'zod/mini'

/** What the forges' answers have in common. */

/** Numbers above 2^53 come as they are. */
export const idShape = z.union([z.number(), z.bigint()])
export const textShape = z.string().check(z.maxLength(1000))
export const maybe = z.nullish(z.string())

const longestDescription = 2048

/** As much of it as Gitea takes. */
export const descriptionOf = (text: string | null | undefined): string =>
  [...(text ?? '').toWellFormed()].slice(0, longestDescription).join('')

export const topicsOf = (topics: readonly string[] | null | undefined): string[] => (topics ?? []).slice(0, 100)

/** ms since 1970 of an ISO time; null: it is none. */
export function timeOf(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? null : ms
}

/** Where to clone from as the forge says it, unless that is no address of the web or carries a login: then where it should be. */
export function cloneUrlOf(said: string | null | undefined, page: string): string {
  const url = said && URL.canParse(said) ? new URL(said) : null
  const good = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash
  return good ? said! : `${page}.git`
}
