/** Whether a mirror has all that its source has: asked of both by git, not of what Gitea believes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '#lib/duration.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import type { Gitea } from '#lib/forge/gitea.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { steady } from '#lib/forge/steady.ts'
import type { GitCredential } from '#lib/git-credentials.ts'
import { differences, refsOf, sameRefs } from './heads.ts'
import { stateOf, type MirrorState } from './state.ts'

export interface VerifyOptions {
  client: Gitea
  /** Clone address of a mirror, and what our Gitea asks for. */
  addressOf: (mirror: { owner: string; name: string }) => string
  own: GitCredential
  credentialFor: (source: string) => GitCredential | null
  signal: AbortSignal
  /** How long a sync may take, ms. */
  withinMs: number
  /** Between two looks, ms. */
  lookMs?: number
}

export interface Verified {
  state: MirrorState
  /** What is not as it should be; empty: nothing. */
  why: string
  /** Of a sync: from asking for it until it was so, ms. */
  ms: number | null
}

/** Compares a mirror with its source as both are now. Throws RaibidError when one of them can't be read. */
export async function checkMirror(mirror: GiteaRepo, options: VerifyOptions): Promise<Verified> {
  const state = stateOf(mirror, Date.now())
  if (state === 'never') return { state, why: 'its first clone has not ended', ms: null }
  const [source, own] = await Promise.all([
    refsOf(mirror.source, options.credentialFor(mirror.source)),
    refsOf(options.addressOf(mirror), options.own),
  ])
  if (sameRefs(source, own)) return { state: state === 'stale' ? 'fresh' : state, why: '', ms: null }
  return { state: state === 'failing' ? state : 'stale', why: differences(source, own), ms: null }
}

/**
 * Has a mirror synchronised, and waits until that is really so: Gitea's last success has moved, and both have the same branches and tags. What is pushed
 * meanwhile is waited for, too. Throws RaibidError when a side can't be read, or when it isn't done in time.
 */
export async function syncMirror(mirror: GiteaRepo, options: VerifyOptions): Promise<Verified> {
  const { client, signal, credentialFor, addressOf, own, withinMs } = options
  const begun = Date.now()
  const done = (state: MirrorState, why: string): Verified => ({ state, why, ms: Date.now() - begun })
  if (mirror.intervalMs === null) return done('never', 'its first clone has not ended')
  let before: GiteaRepo = mirror
  for (let rounds = 1; ; rounds++) {
    const source = await refsOf(mirror.source, credentialFor(mirror.source)).catch((error: unknown) => messageOf(error))
    const after = await synced(before, options, begun + withinMs)
    if (after === null) return done('failing', typeof source === 'string' ? source : 'Gitea could not fetch it; its log says why')
    const mine = await refsOf(addressOf(mirror), own)
    if (typeof source !== 'string' && sameRefs(source, mine)) return done('fresh', '')
    const now = await refsOf(mirror.source, credentialFor(mirror.source))
    if (sameRefs(now, mine)) return done('fresh', '')
    const moves = typeof source === 'string' || !sameRefs(now, source)
    if (!moves && rounds > 1) return done('diverged', differences(now, mine))
    signal.throwIfAborted()
    if (Date.now() - begun > withinMs)
      throw new RaibidError(`its source changes faster than it can be fetched: ${differences(now, mine)}`)
    before = (await steady(() => client.found(mirror, { signal }), signal)) ?? after
  }
}

/** The mirror after a sync that went well; null: the sync failed. */
async function synced(
  before: GiteaRepo,
  { client, signal, withinMs, lookMs = 200 }: VerifyOptions,
  end: number,
): Promise<GiteaRepo | null> {
  // Gitea's times are whole seconds: a success within the same one could not be seen
  const since = Date.now() - Math.max(before.syncedAt ?? 0, before.triedAt ?? 0)
  if (since >= 0 && since < 1100) await sleep(1100 - since, undefined, { signal })
  await steady(() => client.mirrorSync(before, { signal }), signal)
  for (let wait = lookMs; ; wait = Math.min(wait * 1.3, 3000)) {
    await sleep(wait, undefined, { signal })
    const now = await steady(() => client.found(before, { signal }), signal)
    if (!now) throw new RaibidError(`${before.owner}/${before.name} is not in Gitea any more`)
    if (now.syncedAt !== before.syncedAt) return now
    if (now.triedAt !== before.triedAt) return null
    if (Date.now() > end)
      throw new RaibidError(`Gitea has not synchronised it within ${formatDuration(withinMs)}: it is at it, or its queue is long`)
  }
}

/** For a new mirror that takes the place of another: throws unless it has all that its source has. */
export async function mustBeSame(mirror: { owner: string; name: string }, options: VerifyOptions): Promise<void> {
  const { client, signal } = options
  const there = await steady(() => client.found(mirror, { signal }), signal)
  if (!there) throw new RaibidError(`${mirror.owner}/${mirror.name} is not in Gitea any more`)
  const { why } = await checkMirror(there, options)
  if (!why) return
  const { state, why: still } = await syncMirror(there, options)
  if (state !== 'fresh') throw new RaibidError(`${mirror.owner}/${mirror.name} is not the same as its source: ${still}`)
}
