/** Gets one cache into a workspace: a spare by rename, else a copy of the base, else a copy of what is near. */
import { lstat, mkdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf } from '#lib/errors.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import type { CacheUse } from '#lib/queue/types.ts'
import { keyFiles, keyOf, makers, scopeOf, type Key } from './key.ts'
import type { CacheLimits } from './room.ts'
import { isShared, type CacheSpec } from './spec.ts'
import { boot, discard, listEntries, readEntry, writeMeta, type Entry, type Spare } from './store.ts'
import { copyTree, isFree, moveTree, touchAll, type Hand } from './tree.ts'

/** The job as the caches see it. */
export interface Place extends Hand {
  root: string
  limits: CacheLimits
  repo: string
  commit: string
  /** Reads, and never writes. */
  fork: boolean
  workspace: string
  /** A folder of the job's own, beside the workspace. */
  scratch: string
  /** The steps' environment. */
  env: Record<string, string>
  /** Before the first file of the workspace was written, ms. */
  startedAt: number
}

/** One cache of a job. `use` is what is shown of it. */
export interface Restored {
  use: CacheUse
  paths: string[]
  /** Null: it can't be saved. */
  key: (Key & { scope: string }) | null
  /** What it was restored from. */
  entry: Entry | null
  /** How often the tree in the workspace was used before. */
  uses: number
}

/** Never throws but for the signal: what goes wrong makes it a miss, and is said. */
export async function restore(place: Place, spec: CacheSpec, nth: number): Promise<Restored> {
  const begun = performance.now()
  const paths = spec.paths.filter((path) => !isShared(path))
  const use: CacheUse = { paths, outcome: 'miss', bytes: 0, restoreMs: 0, savedMs: null }
  const result: Restored = { use, paths, key: null, entry: null, uses: 0 }
  const staged = join(place.scratch, `cache-${nth}`)
  try {
    for (const path of paths)
      if (!(await isFree(place.workspace, path)))
        return refused(result, `${path} is in the repository, or lies behind a symlink in it`)
    const files = await keyFiles(place.workspace, spec)
    if (files.length === 0) return refused(result, `there is no ${spec.key.join(', ')}`)
    const key = keyOf(spec, files, await makers(spec, place.workspace, place.env, place.mark))
    const scope = scopeOf(place.repo)
    result.key = { ...key, scope }
    const from = await find(place, scope, key)
    if (!from) return result
    const spare = await stage(place, from, staged, from.key === key.key)
    await age(place, spare?.madeAt ?? from.meta.madeAt)
    await settle(place, from, staged, paths)
    use.outcome = from.key === key.key ? 'hit' : 'near'
    use.bytes = spare?.bytes ?? from.meta.bytes
    result.entry = from
    result.uses = spare?.uses ?? 0
    if (!place.fork) await writeMeta(from.folder, used(from.meta)).catch(() => {})
  } catch (error) {
    if (place.signal.aborted) throw error
    // what is half there is worse than nothing
    for (const path of paths) await removeFolder(join(place.workspace, path)).catch(() => {})
    use.reason = messageOf(error)
  } finally {
    await removeFolder(staged).catch(() => {})
    use.restoreMs = Math.round(performance.now() - begun)
  }
  return result
}

function refused(result: Restored, reason: string): Restored {
  Object.assign(result.use, { outcome: 'refused', reason })
  return result
}

const used = (meta: Entry['meta']) => ({ ...meta, usedAt: Date.now(), uses: meta.uses + 1 })

/** The entry of this key, else the last used one of another state of the lock files. */
async function find({ root, fork }: Place, scope: string, { key, near }: Key): Promise<Entry | null> {
  const exact = await readEntry(root, scope, key)
  if (exact) return exact
  const { entries, damaged } = await listEntries(root, scope)
  if (!fork) for (const folder of damaged) await discard(root, folder).catch(() => false)
  return entries.filter((entry) => entry.meta.near === near).sort((a, b) => b.meta.usedAt - a.meta.usedAt)[0] ?? null
}

/** Puts a tree of the entry to `staged`. A fork takes no spare: it would not give it back. */
async function stage(place: Place, entry: Entry, staged: string, exact: boolean): Promise<Spare | null> {
  if (exact && !place.fork && (await sameDisk(place.root, place.scratch)))
    for (const spare of entry.spares.filter((one) => one.boot === boot).sort((a, b) => b.madeAt - a.madeAt)) {
      const taken = await rename(join(entry.folder, spare.name), staged).then(
        () => true,
        () => false,
      )
      if (taken) return spare
    }
  await copyBase(entry, staged, place)
  return null
}

/** Throws when the base did not stand to the end: what was being deleted may have been copied in part. */
export async function copyBase({ folder }: Entry, to: string, hand: Hand): Promise<void> {
  const base = join(folder, 'base')
  const before = await lstat(base)
  await copyTree(base, to, hand)
  const after = await lstat(base).catch(() => null)
  if (after?.ino !== before.ino || after.dev !== before.dev) throw new Error('the entry was removed while it was copied')
}

/**
 * Tools that go by times (cargo, make) would take a cache that was saved after this workspace was cloned, from another commit, for one that
 * was made from these sources.
 */
async function age(place: Place, madeAt: number): Promise<void> {
  if (madeAt + 2000 >= place.startedAt) await touchAll(place.workspace, Math.max(Date.now(), madeAt + 1000), place)
}

/** Moves the parts of a tree to their places. */
async function settle(place: Place, entry: Entry, staged: string, paths: string[]): Promise<void> {
  for (const number of entry.meta.present) {
    const path = paths[number]
    const there = path !== undefined && (await lstat(join(staged, String(number))).catch(() => null))
    if (!there) {
      if (!place.fork) await discard(place.root, entry.folder)
      throw new Error('the entry is damaged')
    }
    await mkdir(dirname(join(place.workspace, path)), { recursive: true })
    await moveTree(join(staged, String(number)), join(place.workspace, path), place)
  }
}

/** Whether a rename leads from one folder to the other. */
export async function sameDisk(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(a), stat(b)])
  return one.dev === other.dev
}
