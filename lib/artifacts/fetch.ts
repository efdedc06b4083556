/** Writes artifacts below a folder of the user: never over anything, never outside it, and only what has its checksum. */
import { constants } from 'node:fs'
import { link, lstat, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RaibidError } from '#lib/errors.ts'
import type { Artifact } from '#lib/queue/types.ts'
import { checkedBytes } from './checked.ts'
import { pathProblem } from './path.ts'
import type { ArtifactStore, Place } from './store.ts'

const shown = (path: string): string => JSON.stringify(path.slice(0, 200))

/** What keeps these artifacts from being written below `folder`, one sentence each; nothing has been written then. */
export async function fetchProblems(folder: string, artifacts: readonly Artifact[]): Promise<string[]> {
  const problems: string[] = []
  const files = new Set(artifacts.map(({ path }) => path))
  for (const { path } of artifacts) {
    const problem = pathProblem(path) ?? (await inTheWay(folder, path))
    const parents = path.split('/').map((_, i, parts) => parts.slice(0, i).join('/'))
    if (problem) problems.push(`${shown(path)} ${problem}`)
    else if (parents.some((parent) => files.has(parent))) problems.push(`${shown(path)} lies in what is a file itself`)
  }
  if (files.size < artifacts.length) problems.push('two of them have the same path')
  return problems
}

/** Every part on the way has to be a real folder, or not there yet. */
async function inTheWay(folder: string, path: string): Promise<string | undefined> {
  const parts = path.split('/')
  for (let i = 0; i < parts.length; i++) {
    const there = await lstat(join(folder, ...parts.slice(0, i + 1))).catch(() => null)
    if (!there) return undefined
    if (i === parts.length - 1) return 'exists there already'
    if (there.isSymbolicLink()) return `would be written through the symbolic link ${parts.slice(0, i + 1).join('/')}`
    if (!there.isDirectory()) return `would be written below ${parts.slice(0, i + 1).join('/')}, which is no folder`
  }
  return undefined
}

/** Writes one artifact: whole under its name, or not at all. */
export async function fetchArtifact(
  store: ArtifactStore,
  place: Place,
  { artifact, index, folder }: { artifact: Artifact; index: number; folder: string },
  signal: AbortSignal,
): Promise<void> {
  const { path, executable } = artifact
  const problem = pathProblem(path) ?? (await inTheWay(folder, path))
  if (problem) throw new RaibidError(`${shown(path)} ${problem}`)
  const target = join(folder, path)
  await mkdir(dirname(target), { recursive: true })
  // made beside it under a name of ours
  const half = join(dirname(target), `.raibid-${process.pid}-${index}`)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(half, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, executable ? 0o755 : 0o644)
  try {
    await pipeline(await store.open(place, index), checkedBytes(artifact), file.createWriteStream(), { signal })
    // unlike a rename, it never replaces what has appeared there meanwhile
    await link(half, target)
  } finally {
    await file.close().catch(() => {})
    await rm(half, { force: true })
  }
}
