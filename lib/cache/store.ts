/**
 * The store of build caches: `<scope>/<key>/` with `meta.json`, `base/` (only ever copied from) and spares, which one job takes by a rename.
 * Everything is made in `incoming/` and renamed into place, and renamed into `leaving/` before it is deleted: a process that is killed
 * leaves nothing that is half there.
 */
import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isSameProcess, startTimeOf } from '#lib/processes.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { ulid } from '#lib/ulid.ts'
import { digest } from './key.ts'

export interface Meta {
  repo: string
  paths: string[]
  near: string
  /** Numbers of the paths that were there when it was made. */
  present: number[]
  bytes: number
  files: number
  madeAt: number
  usedAt: number
  uses: number
  commit: string
  /** How long the steps took without a cache, ms. */
  coldMs: number
  /** All time that was saved by it, ms. */
  savedMs: number
}

export interface Spare {
  name: string
  uses: number
  boot: string
  madeAt: number
  bytes: number
}

export interface Entry {
  scope: string
  key: string
  folder: string
  meta: Meta
  spares: Spare[]
}

const isDigest = (name: string): boolean => /^[0-9a-f]{32}$/.test(name)
const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** What is not known to be on the disk is good until the machine starts anew. */
const bootOf = (): string => {
  try {
    return digest(`${hostname()} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')}`).slice(0, 8)
  } catch {
    return '00000000'
  }
}
export const boot = bootOf()

export const spareName = ({ uses, madeAt, bytes }: Omit<Spare, 'name' | 'boot'>): string =>
  ['spare', uses, boot, madeAt, bytes, ulid()].join('.')

function parseSpare(name: string): Spare[] {
  const [, uses, at, madeAt, bytes] = /^spare\.(\d{1,6})\.([0-9a-f]{8})\.(\d{1,15})\.(\d{1,15})\.[0-9A-Z]{26}$/.exec(name) ?? []
  return at === undefined ? [] : [{ name, uses: Number(uses), boot: at, madeAt: Number(madeAt), bytes: Number(bytes) }]
}

export const folderOf = (root: string, scope: string, key: string): string => join(root, scope, key)

/** The entry; null: there is none, or it is damaged. */
export async function readEntry(root: string, scope: string, key: string): Promise<Entry | null> {
  const folder = folderOf(root, scope, key)
  try {
    const meta = JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8')) as Meta
    const numbers = [meta.bytes, meta.files, meta.madeAt, meta.usedAt, meta.uses, meta.coldMs, meta.savedMs, ...meta.present]
    if (!numbers.every(Number.isFinite) || !Array.isArray(meta.paths) || typeof meta.near !== 'string') return null
    const names = await readdir(folder)
    return names.includes('base') ? { scope, key, folder, meta, spares: names.flatMap(parseSpare) } : null
  } catch {
    return null
  }
}

/** All entries, or those of one repository. `damaged`: folders that are none. */
export async function listEntries(root: string, only?: string): Promise<{ entries: Entry[]; damaged: string[] }> {
  const entries: Entry[] = []
  const damaged: string[] = []
  for (const scope of (await list(root)).filter((name) => isDigest(name) && (only === undefined || name === only)))
    for (const key of await list(join(root, scope))) {
      const entry = isDigest(key) ? await readEntry(root, scope, key) : null
      if (entry) entries.push(entry)
      else damaged.push(join(root, scope, key))
    }
  return { entries, damaged }
}

/** What an entry takes on the disk. */
export const sizeOf = ({ meta, spares }: Entry): number => spares.reduce((sum, spare) => sum + spare.bytes, meta.bytes)

/** Whole or not at all. Throws when the entry is gone. */
export async function writeMeta(folder: string, meta: Meta): Promise<void> {
  const file = join(folder, `meta.${ulid()}`)
  await writeFile(file, JSON.stringify(meta), { mode: 0o600 })
  await rename(file, join(folder, 'meta.json'))
}

/** A new folder in which something is made; its name says by whom. */
export async function incoming(root: string): Promise<string> {
  const path = join(root, 'incoming', [boot, process.pid, startTimeOf(process.pid) ?? 0, ulid()].join('.'))
  await mkdir(path, { recursive: true, mode: 0o700 })
  return path
}

/** Takes a folder out of the store, at one moment, then deletes it. False: it was gone already. */
export async function discard(root: string, folder: string): Promise<boolean> {
  const leaving = join(root, 'leaving', ulid())
  await mkdir(join(root, 'leaving'), { recursive: true, mode: 0o700 })
  const there = await rename(folder, leaving).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? false : Promise.reject(error)),
  )
  if (there) await removeFolder(leaving).catch(() => {})
  return there
}

const day = 86_400_000

/** Deletes what processes that are gone have left half done; of another machine what is a day old. */
export async function sweep(root: string, now = Date.now()): Promise<void> {
  for (const name of await list(join(root, 'leaving'))) await removeFolder(join(root, 'leaving', name)).catch(() => {})
  for (const name of await list(join(root, 'incoming'))) {
    const [where, pid, startTime = '', id = ''] = name.split('.')
    const alive = where === boot ? isSameProcess(Number(pid), startTime) : now - timeOf(id) < day
    if (!alive) await removeFolder(join(root, 'incoming', name)).catch(() => {})
  }
}

/** The time in a ULID, ms. */
const timeOf = (id: string): number =>
  [...id.slice(0, 10)].reduce((sum, letter) => sum * 32 + '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(letter), 0)
