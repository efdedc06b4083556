/** How much a store may hold and when it gives up what: the plan is pure, the doing a loop over it. */
import { mkdir, statfs } from 'node:fs/promises'
import { discard, listEntries, sizeOf, sweep, type Entry } from './store.ts'

export interface CacheLimits {
  /** Since the last use, ms. */
  maxAge: number
  maxSize: number
  /** Free disk that must be left, bytes; null: a tenth of the disk, at most 10 GB. */
  minFree: number | null
}

export interface Disk {
  free: number
  floor: number
}

export interface Leaving {
  entry: Entry
  bytes: number
  why: string
}

/** Which entries go, least recently used first: those too old, then as many as the size and the free disk ask for. `room`: bytes wanted besides. */
export function planPrune(entries: Entry[], limits: CacheLimits, disk: Disk, now: number, room = 0): Leaving[] {
  const byUse = [...entries].sort((a, b) => a.meta.usedAt - b.meta.usedAt)
  let total = byUse.reduce((sum, entry) => sum + sizeOf(entry), 0)
  let free = disk.free - room
  return byUse.flatMap((entry) => {
    const bytes = sizeOf(entry)
    const old = now - entry.meta.usedAt > limits.maxAge
    const why = old
      ? 'not used for too long'
      : total > limits.maxSize
        ? 'too much in all'
        : free < disk.floor
          ? 'the disk is nearly full'
          : null
    if (why === null) return []
    total -= bytes
    free += bytes
    return [{ entry, bytes, why }]
  })
}

/** The disk under the store, and what of it must stay free. */
export async function diskOf(root: string, { minFree }: CacheLimits): Promise<Disk> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const { bavail, blocks, bsize } = await statfs(root)
  return { free: bavail * bsize, floor: minFree ?? Math.min((blocks * bsize) / 10, 10e9) }
}

/** Sweeps and prunes a store. Gives what went, or on a dry run would go. */
export async function prune(root: string, limits: CacheLimits, { dryRun = false, room = 0 } = {}): Promise<Leaving[]> {
  if (!dryRun) await sweep(root)
  const { entries, damaged } = await listEntries(root)
  const leaving = planPrune(entries, limits, await diskOf(root, limits), Date.now(), room)
  if (dryRun) return leaving
  for (const folder of damaged) await discard(root, folder)
  for (const { entry } of leaving) await discard(root, entry.folder)
  return leaving
}

/** Whether so many bytes more leave the floor free, after what may go has gone. */
export async function makeRoom(root: string, limits: CacheLimits, bytes: number): Promise<boolean> {
  const fits = async (): Promise<boolean> => {
    const { free, floor } = await diskOf(root, limits)
    return free - bytes >= floor
  }
  if (await fits()) return true
  await prune(root, limits, { room: bytes })
  return fits()
}

/** The largest tree that is kept: a store has room for some. */
export const largest = ({ maxSize }: CacheLimits): number => Math.floor(maxSize / 5)
