import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes an attempt's folder, read-only folders included (Go's module cache makes such). */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(async () => {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o700).catch(() => {})
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })
}
