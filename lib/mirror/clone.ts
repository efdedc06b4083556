/** Has Gitea clone a source, whatever an earlier try has left, and without a second clone of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '#lib/duration.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import type { Gitea } from '#lib/forge/gitea.ts'
import type { MigrateWish } from '#lib/forge/gitea-mirrors.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { RepoName } from '#lib/forge/types.ts'
import { steady } from '#lib/forge/steady.ts'
import { sameSource } from './identity.ts'

export interface CloneOptions {
  /** Something may be there already: it is looked at first, and not only when Gitea says so. */
  begun?: boolean
  signal?: AbortSignal | undefined
  /** Between two looks at a clone that runs, ms. */
  lookMs?: number
  /** A clone that runs is waited for as long, ms. */
  longestMs?: number
}

/** A clone that began before then has no one at it any more: Gitea itself ends one after ten minutes, unless it is told to wait longer. */
const tooOld = 2 * 3_600_000
const mostTries = 3

/**
 * The mirror at that place, cloned to its end. Throws RaibidError when another repository is there, or when a clone that runs takes too long;
 * RefusedError with Gitea's words when it can't be cloned: then nothing is left of it.
 */
export async function ensureClone(client: Gitea, wish: MigrateWish, options: CloneOptions = {}): Promise<GiteaRepo> {
  const { signal, begun = true } = options
  for (let tries = 1; ; tries++) {
    const there = begun || tries > 1 ? await steady(() => client.found(wish, { signal }), signal) : null
    if (there && (!there.mirror || !sameSource(there.source, wish.source)))
      throw new RaibidError(`${wish.owner}/${wish.name} is there already, and is no mirror of ${wish.source}`)
    const whole = there && (await wholeOrGone(client, there, options))
    if (whole) return whole
    try {
      return await client.migrate(wish, { signal, withinMs: 12 * 3_600_000 })
    } catch (error) {
      if (signal?.aborted) throw error
      // it may be at it all the same: no answer means nothing, and a taken name may be ours
      const unclear =
        error instanceof UnreachableError ||
        (error instanceof RefusedError && [409, 500].includes(error.status) && !isTooShort(error))
      if (unclear && tries < mostTries) continue
      if (!unclear) await tidy(client, wish, signal)
      throw isTooShort(error) ? new TooShortError(wish.intervalMs) : error
    }
  }
}

/** A mirror whose first clone had not ended, when it has; null: nobody was at it any more, and it is deleted. */
export async function wholeOrGone(client: Gitea, mirror: GiteaRepo, options: CloneOptions = {}): Promise<GiteaRepo | null> {
  const { signal, lookMs = 1000, longestMs = 30 * 60_000 } = options
  const end = Date.now() + longestMs
  let now: GiteaRepo | null = mirror
  for (let still = 0; now && now.id === mirror.id && now.intervalMs === null;) {
    const cloning = Date.now() - now.createdAt < tooOld && (await steady(() => client.isCloning(mirror, { signal }), signal, []))
    still = cloning ? 0 : still + 1
    // twice: in its first moments there is nothing to be seen of a clone
    if (still > 1) {
      await steady(() => deleted(client, mirror, signal), signal)
      return null
    }
    if (Date.now() > end)
      throw new RaibidError(
        `${mirror.owner}/${mirror.name} is being cloned since ${new Date(mirror.createdAt).toISOString()}; the next run looks again`,
      )
    await sleep(still ? Math.max(lookMs, 1000) : lookMs, undefined, { signal })
    now = await steady(() => client.found(mirror, { signal }), signal)
  }
  return now?.id === mirror.id ? now : null
}

/** What is not there any more is deleted. */
export const deleted = (client: Gitea, repo: RepoName, signal?: AbortSignal): Promise<void> =>
  client.deleteRepo(repo, { signal }).catch((error: unknown) => {
    if (!(error instanceof RefusedError && error.status === 404)) throw error
  })

/** Gitea says it only after a whole clone, so it is not to be tried again. */
export class TooShortError extends RaibidError {
  override name = 'TooShortError'
  constructor(intervalMs: number) {
    super(
      `Gitea takes no interval as short as ${formatDuration(intervalMs)} ([mirror] MIN_INTERVAL in its app.ini); give a longer one`,
    )
  }
}

const isTooShort = (error: unknown): boolean => error instanceof RefusedError && /minimum interval/i.test(error.message)

/** Gitea keeps an empty repository of a clone that failed. */
async function tidy(client: Gitea, wish: MigrateWish, signal?: AbortSignal): Promise<void> {
  try {
    const left = await client.found(wish, { signal })
    if (left?.mirror && left.intervalMs === null && sameSource(left.source, wish.source)) await deleted(client, left, signal)
  } catch {
    // what the clone failed by is what a person has to know; the next run tidies up
  }
}
