import { randomBytes } from 'node:crypto'
import { chmod, chown, open, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { RaibidError, UsageError, messageOf } from './errors.ts'

/** The file that a path means: behind symlinks, also when it doesn't exist yet. */
export async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const link = await readlink(path).catch(() => null)
    return link === null ? path : resolve(dirname(path), link)
  }
}

/**
 * Gives a file (not a symlink) a new text, whole or not at all; its mode and owner stay. `before`: the text on which the new one is
 * based, null: none. Throws RaibidError when somebody else has changed it meanwhile, UsageError when it can't be written.
 */
export async function replaceFile(path: string, text: string, before: string | null): Promise<void> {
  const there = await stat(path).catch(() => null)
  const fresh = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`)
  try {
    const file = await open(fresh, 'wx', 0o644)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (there) {
      // only root may give files away; who may not keeps it
      await chown(fresh, there.uid, there.gid).catch(() => {})
      await chmod(fresh, there.mode & 0o7777)
    }
    const now = await readFile(path, 'utf8').catch(() => null)
    if (now !== before) throw new RaibidError(`${path} was changed by somebody else meanwhile; run it again`)
    await rename(fresh, path)
  } catch (error) {
    if (error instanceof RaibidError) throw error
    throw new UsageError(`${path} can't be written: ${messageOf(error)}`)
  } finally {
    await rm(fresh, { force: true })
  }
}
