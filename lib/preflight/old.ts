import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFolder } from '#lib/remove-folder.ts'

const kept = 20

/** Removes all but the newest snapshots, whose names are their jobs' ids: a job that can be retried or reproduced needs its own. */
export async function removeOld(folder: string, keep = kept): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).sort().reverse()
  for (const name of names.slice(keep)) await removeFolder(join(folder, name)).catch(() => {})
}
