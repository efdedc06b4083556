import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes a folder whole, with what a build has made unreadable or read-only in it (Go's module cache does). Never follows a symlink. */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    await open(folder)
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** From the top down: what is in a folder can only be seen once the folder itself is open. */
async function open(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => {})
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await open(join(folder, entry.name))
  }
}
