/** Reads the few files of a cloned repository that decide how it is built. The repository may be hostile: no symlink is followed. */
import { constants } from 'node:fs'
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf } from '#lib/errors.ts'
import { PipelineError, type Workspace } from './types.ts'

const mebibyte = 1024 * 1024

/** Opens a regular file of at most `limit` bytes; null when there is none; throws PipelineError for anything else. */
async function openFile(path: string, name: string, limit: number): Promise<{ file: FileHandle; size: number } | null> {
  let file: FileHandle
  try {
    // NONBLOCK: or a FIFO would be waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return null
    if (code === 'ELOOP') throw new PipelineError(`${name}: is a symbolic link; it has to be a regular file`)
    if (code === 'ENXIO') throw new PipelineError(`${name}: is not a regular file`)
    throw new PipelineError(`${name}: can't be read: ${messageOf(error)}`)
  }
  const stat = await file.stat()
  if (stat.isFile() && stat.size <= limit) return { file, size: stat.size }
  await file.close()
  if (!stat.isFile()) throw new PipelineError(`${name}: is not a regular file`)
  throw new PipelineError(`${name}: is ${stat.size} bytes long; at most ${limit} are allowed`)
}

/** The workspace at `path`, seen through the names of files in its top folder. */
export function openWorkspace(path: string): Workspace {
  const pathOf = (name: string): string => join(path, basename(name))
  return {
    path,
    async has(name) {
      const opened = await openFile(pathOf(name), name, Infinity)
      await opened?.file.close()
      return opened !== null
    },
    async list(name) {
      const folder = name === undefined ? path : pathOf(name)
      const stat = await lstat(folder).catch(() => null)
      return stat?.isDirectory() ? (await readdir(folder)).sort() : []
    },
    async read(name, limit = mebibyte) {
      const opened = await openFile(pathOf(name), name, limit)
      if (!opened) return null
      try {
        const { buffer, bytesRead } = await opened.file.read(Buffer.alloc(opened.size), 0, opened.size, 0)
        return buffer.toString('utf8', 0, bytesRead)
      } finally {
        await opened.file.close()
      }
    },
  }
}
