/** A single repository as its forge has it: by its address, and later by the forge's own id of it. */
import type { Forge } from '#lib/config.ts'
import { NoTokenError } from '#lib/config-forges.ts'
import type { Asking } from './lister.ts'
import { listerOf } from './list.ts'
import { placeOf } from './place.ts'
import type { ListedRepo, ListingForge } from './types.ts'

export interface OneOptions extends Omit<Asking, 'token'> {
  /** Those of raibid.yaml: their tokens, and which server is what. github.com and gitlab.com are known besides. */
  forges: readonly Forge[]
}

/** The token for a forge; null: none was given, and only what is public is seen. Throws UsageError for one that can't be read. */
export function tokenFor(forges: readonly Forge[], url: string): string | null {
  const forge = forges.find((one) => [one.url, ...one.aliases].some((address) => same(address, url)))
  try {
    return forge?.token() ?? null
  } catch (error) {
    if (error instanceof NoTokenError) return null
    throw error
  }
}

/** The repository of an address; null where the forge is not known, or has no such repository that we may see. */
export async function listOne(address: string, { forges, ...asking }: OneOptions): Promise<ListedRepo | null> {
  const place = placeOf(address, forges)
  if (!place) return null
  return (await listerOf(place.forge, place.url, { ...asking, token: tokenFor(forges, place.url) })).one(place.path)
}

/** What a forge has under an id, whatever it is called by now; null: nothing that we may see. */
export async function listById(
  forge: ListingForge,
  url: string,
  id: string,
  { forges, ...asking }: OneOptions,
): Promise<ListedRepo | null> {
  if (!/^\d{1,20}$/.test(id)) return null
  return (await listerOf(forge, url, { ...asking, token: tokenFor(forges, url) })).byId(id)
}

const same = (a: string, b: string): boolean => a.replace(/\/+$/, '').toLowerCase() === b.replace(/\/+$/, '').toLowerCase()
