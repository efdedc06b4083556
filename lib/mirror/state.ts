/** How a mirror is, by what Gitea says of it; whether it has what its source has is asked by lib/mirror/verify.ts. */
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { goneTopic } from './identity.ts'

/**
 * `fresh` and `stale`: synchronised lately, or not. `diverged`: synchronised, and yet not the same as its source. `failing`: its last sync failed.
 * `never`: its first clone has not ended. `paused`: synchronised only when asked to. `gone`: its source is.
 */
export const mirrorStates = ['fresh', 'stale', 'diverged', 'failing', 'never', 'paused', 'gone'] as const
export type MirrorState = (typeof mirrorStates)[number]

/** When a mirror's last success is longer ago, it is stale, ms. */
export const staleAfter = 24 * 3_600_000

export interface Times {
  /** ms since 1970; null: there was none. */
  tried: number | null
  succeeded: number | null
  /** About when Gitea tries again; null: not by itself. */
  next: number | null
}

/** The first clone counts as a success, and Gitea notes only what came after it. */
export function timesOf({ intervalMs, createdAt, triedAt, syncedAt }: GiteaRepo): Times {
  if (intervalMs === null) return { tried: createdAt, succeeded: null, next: null }
  const tried = triedAt ?? createdAt
  const succeeded = syncedAt ?? createdAt
  return { tried, succeeded, next: intervalMs === 0 ? null : tried + intervalMs }
}

export function stateOf(mirror: GiteaRepo, now: number): MirrorState {
  const { intervalMs, triedAt, syncedAt, createdAt } = mirror
  if (intervalMs === null) return 'never'
  if (mirror.topics.includes(goneTopic)) return 'gone'
  if (triedAt !== null && triedAt > (syncedAt ?? createdAt + firstClone(mirror))) return 'failing'
  if (intervalMs === 0) return 'paused'
  return now - (syncedAt ?? createdAt) > Math.max(staleAfter, intervalMs * 1.5) ? 'stale' : 'fresh'
}

/** Before its first sync Gitea has the end of the first clone as the last try, and gives that ten minutes. */
const firstClone = ({ intervalMs }: GiteaRepo): number => Math.max(intervalMs ?? 0, 10 * 60_000)
