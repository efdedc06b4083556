import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Everything below a folder: by path the kind, mode, owner, time of change and content. Two that are equal are the same, byte by byte. */
export function treeOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  const visit = (path: string): void => {
    const { mode, uid, gid, mtimeMs } = lstatSync(path)
    const isFolder = lstatSync(path).isDirectory()
    const content = lstatSync(path).isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''
    found[path.slice(folder.length) || '/'] = [mode.toString(8), uid, gid, mtimeMs, content].join(' ')
    if (isFolder) for (const name of readdirSync(path)) visit(join(path, name))
  }
  visit(folder)
  return found
}
