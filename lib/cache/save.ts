/** Puts what a successful job leaves of a cache back into the store: as a spare where it came from, or as a new entry. */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf } from '#lib/errors.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { copyBase, sameDisk, type Place, type Restored } from './restore.ts'
import { largest, makeRoom } from './room.ts'
import { discard, folderOf, incoming, readEntry, spareName, writeMeta, type Meta } from './store.ts'
import { isPlain, measure, moveTree, syncDisk, type Size } from './tree.ts'

/** After so many uses a tree is dropped: it has collected what nobody needs any more. */
const mostUses = 20
const mostSpares = 2

/** What of a cache is in the workspace now. */
export interface Found extends Size {
  /** Numbers of the paths. */
  present: number[]
}

/** Looks whether the cache can be saved: throws, with the reason in words. */
export async function examine(place: Place, { paths }: Restored): Promise<Found> {
  const found: Found = { bytes: 0, files: 0, present: [] }
  const most = largest(place.limits)
  for (const [number, path] of paths.entries()) {
    if (!(await isPlain(place.workspace, path))) continue
    const { bytes, files } = await measure(join(place.workspace, path), most - found.bytes).catch((error: unknown) =>
      Promise.reject(new Error(`${path}: ${messageOf(error)}`)),
    )
    found.bytes += bytes
    found.files += files
    found.present.push(number)
  }
  if (found.present.length === 0) throw new Error(`after the steps there is no ${paths.join(', ')}, or only a symlink`)
  return found
}

/** Whether a tree of this size may come into the store: what only moves takes no room. */
export async function hasRoom({ root, limits, workspace }: Place, bytes: number): Promise<boolean> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  return makeRoom(root, limits, (await sameDisk(root, workspace)) ? 0 : bytes)
}

/** A new entry, for a job that missed. Its tree becomes the base; a copy of it is the first spare. */
export async function saveEntry(place: Place, restored: Restored, found: Found, coldMs: number): Promise<void> {
  const { key } = restored
  if (!key) return
  const { root, repo, commit } = place
  const made = await incoming(root)
  try {
    await take(place, restored, found, join(made, 'base'))
    const now = Date.now()
    const meta: Meta = {
      ...{ repo, commit, paths: restored.paths, near: key.near, present: found.present, bytes: found.bytes, files: found.files },
      ...{ madeAt: now, usedAt: now, uses: 0, coldMs, savedMs: 0 },
    }
    await writeFile(join(made, 'meta.json'), JSON.stringify(meta), { mode: 0o600 })
    // or a power cut could leave names without contents
    await syncDisk(made, place)
    const folder = folderOf(root, key.scope, key.key)
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
    if (!(await readEntry(root, key.scope, key.key))) await discard(root, folder)
    await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
      // another job was faster, and its entry is as good
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await removeFolder(made).catch(() => {})
  }
  await topUp(place, restored)
}

/** Gives the tree of a job that hit back to its entry. */
export async function saveSpare(place: Place, restored: Restored): Promise<void> {
  const { entry, key } = restored
  if (!entry || !key || restored.uses + 1 >= mostUses || !(await sameDisk(place.root, place.workspace))) return
  const found = await examine(place, restored)
  if (found.present.join() !== entry.meta.present.join() || found.bytes > 2 * entry.meta.bytes + 100e6) return
  const made = await incoming(place.root)
  try {
    await take(place, restored, found, join(made, 'tree'))
    await publishSpare(place, restored, join(made, 'tree'), restored.uses + 1, found.bytes)
  } finally {
    await removeFolder(made).catch(() => {})
  }
}

/** Where the entry has no spare left, makes one: the next job need not wait for a copy. */
export async function topUp(place: Place, { key }: Restored): Promise<void> {
  const { root, limits } = place
  const entry = key && (await readEntry(root, key.scope, key.key))
  if (!entry || entry.spares.length > 0 || !(await sameDisk(root, place.scratch))) return
  if (!(await makeRoom(root, limits, entry.meta.bytes))) return
  const made = await incoming(root)
  try {
    await copyBase(entry, join(made, 'tree'), place)
    await publishSpare(place, { key }, join(made, 'tree'), 0, entry.meta.bytes)
  } finally {
    await removeFolder(made).catch(() => {})
  }
}

/** Counts what a use has saved. */
export async function countSaved({ root }: Place, { entry }: Restored, savedMs: number): Promise<void> {
  const now = entry && (await readEntry(root, entry.scope, entry.key))
  if (now) await writeMeta(now.folder, { ...now.meta, savedMs: now.meta.savedMs + savedMs })
}

async function take(place: Place, { paths }: Restored, { present }: Found, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  for (const number of present) await moveTree(join(place.workspace, paths[number]!), join(to, String(number)), place)
}

async function publishSpare(
  { root }: Place,
  { key }: Pick<Restored, 'key'>,
  tree: string,
  uses: number,
  bytes: number,
): Promise<void> {
  const entry = key && (await readEntry(root, key.scope, key.key))
  if (!entry || entry.spares.length >= mostSpares) return
  const held = (await readdir(tree)).map(Number).sort((a, b) => a - b)
  if (held.join() !== entry.meta.present.join()) return
  await rename(tree, join(entry.folder, spareName({ uses, bytes, madeAt: Date.now() })))
}
