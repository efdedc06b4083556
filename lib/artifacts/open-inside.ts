import { constants } from 'node:fs'
import { open, readlink, realpath, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'

/** Opens a regular file below a folder for reading. RaibidError when any part of its path is a symlink, or it is something else than a file. */
export async function openInside(folder: string, path: string): Promise<FileHandle> {
  const whole = join(await realpath(folder), path)
  // NONBLOCK: or a FIFO would be waited for
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(whole, flags).catch((error: NodeJS.ErrnoException) => {
    throw new RaibidError(`${path}: ${error.code === 'ELOOP' ? 'is a symbolic link' : `can't be read (${error.code})`}`)
  })
  try {
    if (!(await file.stat()).isFile()) throw new RaibidError(`${path}: is not a regular file`)
    // asked of the open file itself, so that nothing can be exchanged in between; elsewhere than on Linux, of its name
    const real = await readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(whole))
    if (real !== whole) throw new RaibidError(`${path}: is reached through a symbolic link`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}
