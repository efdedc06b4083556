import type { Forge } from '#lib/config-forges.ts'
import { partsAt } from '../find.ts'
import type { ListingForge } from './types.ts'

export interface RepoPlace {
  forge: ListingForge
  /** The forge's address. */
  url: string
  /** `owner/name`, for GitLab with all groups. */
  path: string
}

const usual: Pick<Forge, 'kind' | 'url' | 'aliases'>[] = [
  { kind: 'github', url: 'https://github.com', aliases: [] },
  { kind: 'gitlab', url: 'https://gitlab.com', aliases: [] },
]

/** Where a repository is, by its clone address: at a forge of raibid.yaml, github.com or gitlab.com; null: at none of them. */
export function placeOf(address: string, forges: readonly Forge[]): RepoPlace | null {
  for (const forge of [...forges, ...usual]) {
    const parts = partsAt(forge, address)
    const most = forge.kind === 'gitlab' ? 22 : 2
    if (parts && parts.length <= most) return { forge: forge.kind, url: forge.url, path: parts.join('/') }
  }
  return null
}
