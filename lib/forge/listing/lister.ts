import type { Place } from '../errors.ts'
import type { ListedRepo } from './types.ts'
import type { PageAnswer } from './walk.ts'

export interface Asking {
  token: string | null
  signal?: AbortSignal | undefined
  /** Told before it waits because the forge asked for it. */
  onWait?: ((ms: number, why: string) => void) | undefined
  /** ms before it is asked again what failed on the forge's side, and four times that before the last try; default 1000. */
  repeatMs?: number | undefined
}

/** What listing needs of a forge. Whatever asks fails as a RefusedError or an UnreachableError. */
export interface Lister {
  place: Place
  /** What an account may be there, in the order in which it is tried. */
  kinds: readonly string[]
  /** The same in words. */
  called: string
  anonymous: boolean
  /** The kind by which an account is listed best. */
  kindOf(kind: string, name: string): Promise<string>
  /** Path of the first page. */
  first(kind: string, name: string): string
  ask(path: string, etag: string | null, name: string): Promise<PageAnswer>
  /** By its path there (owner/name), already checked; null: there is none that we may see. */
  one(path: string): Promise<ListedRepo | null>
  byId(id: string): Promise<ListedRepo | null>
  /** How many requests were made so far. */
  requests(): number
  warnings(): string[]
}
