import { z } from 'zod/mini'
import type { RepoName } from './types.ts'

/** A repository of our Gitea as far as mirroring cares; times are ms since 1970. */
export interface GiteaRepo extends RepoName {
  id: number
  mirror: boolean
  private: boolean
  empty: boolean
  /** Nobody may push, and it can't be changed. */
  archived: boolean
  description: string
  topics: string[]
  defaultBranch: string
  cloneUrl: string
  /** Where it was cloned from, without credentials; empty: nowhere. */
  source: string
  /** Between two syncs, ms, 0: never by itself; null: its first clone has not ended, or failed: Gitea (1.27.3) keeps what is left of it. */
  intervalMs: number | null
  bytes: number
  createdAt: number
  /** Last sync that was tried (the first clone counts), and last that went well (it doesn't); null: none. */
  triedAt: number | null
  syncedAt: number | null
}

export const giteaRepoShape = z.object({
  id: z.number(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
  mirror: z.boolean(),
  private: z.boolean(),
  empty: z.boolean(),
  archived: z.boolean(),
  description: z.string(),
  topics: z.nullish(z.array(z.string())),
  default_branch: z.string(),
  clone_url: z.string(),
  original_url: z.nullish(z.string()),
  mirror_interval: z.nullish(z.string()),
  size: z.number(),
  created_at: z.string(),
  mirror_updated: z.nullish(z.string()),
  mirror_last_sync_at: z.nullish(z.string()),
})

export const giteaRepoOf = (repo: z.infer<typeof giteaRepoShape>): GiteaRepo => ({
  id: repo.id,
  owner: repo.owner.login,
  name: repo.name,
  mirror: repo.mirror,
  private: repo.private,
  empty: repo.empty,
  archived: repo.archived,
  description: repo.description,
  topics: repo.topics ?? [],
  defaultBranch: repo.default_branch,
  cloneUrl: repo.clone_url,
  source: repo.original_url ?? '',
  intervalMs: goDuration(repo.mirror_interval ?? ''),
  bytes: repo.size * 1024,
  createdAt: Date.parse(repo.created_at),
  triedAt: timeOf(repo.mirror_updated),
  syncedAt: timeOf(repo.mirror_last_sync_at),
})

/** Go writes the year 1 where there is none, Gitea the first second of 1970. */
const timeOf = (text: string | null | undefined): number | null => {
  const time = Date.parse(text ?? '')
  return time > 0 ? time : null
}

/** `8h0m0s` → ms; null for an empty one. */
function goDuration(text: string): number | null {
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text) ?? []
  return text === '' ? null : Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000)
}

/** ms as Gitea takes it. */
export const goSeconds = (ms: number): string => `${Math.round(ms / 1000)}s`
