/** Reads the files of a workspace one by one for a store, measures them on the way, and keeps to the bounds of a job. */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { messageOf } from '#lib/errors.ts'
import type { Artifact } from '#lib/queue/types.ts'
import { openInside } from './open-inside.ts'
import { maxBytes } from './store.ts'

/** Takes the bytes of one file; `size` is how many there will be. */
export type Save = (bytes: AsyncIterable<Buffer>, index: number, size: number) => Promise<void>

class FileChanged extends Error {}

const pieceSize = 256 * 1024

/** Gives every file to `save`, in order. What can't be read, or is beyond the bound of bytes, is left out, and said. */
export async function takeFiles(
  workspace: string,
  paths: readonly string[],
  { signal, leftOut }: { signal: AbortSignal; leftOut: (why: string) => void },
  save: Save,
  most = maxBytes,
): Promise<Artifact[]> {
  const kept: Artifact[] = []
  let total = 0
  for (const path of paths) {
    signal.throwIfAborted()
    let file: FileHandle
    try {
      file = await openInside(workspace, path)
    } catch (error) {
      leftOut(messageOf(error))
      continue
    }
    try {
      const { size, mode } = await file.stat()
      if (total + size > most) {
        leftOut(`${path}: ${size} bytes more would be over the ${most} of a job`)
        continue
      }
      const hash = createHash('sha256')
      await save(measured(file, size, hash), kept.length, size)
      kept.push({ path, bytes: size, sha256: hash.digest('hex'), ...(mode & 0o100 && { executable: true }) })
      total += size
    } catch (error) {
      if (!(error instanceof FileChanged)) throw error
      leftOut(`${path}: ${error.message}`)
    } finally {
      await file.close()
    }
  }
  return kept
}

/** The bytes that a file had when it was opened: one that grows is cut, one that shrinks is an error. */
async function* measured(file: FileHandle, size: number, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, size - at))
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (bytesRead === 0) throw new FileChanged('became shorter while it was read')
    at += bytesRead
    const bytes = piece.subarray(0, bytesRead)
    hash.update(bytes)
    yield bytes
  }
}
