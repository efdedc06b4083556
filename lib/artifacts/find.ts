/** Finds the files of a workspace that patterns mean. Nothing is followed: what the repository or its build put there is hostile. */
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathMatcher, pathProblem, type Places } from './path.ts'

export interface Found {
  /** Paths in the workspace, with `/`, in their order; files only. */
  paths: string[]
  /** Patterns that meant nothing. */
  unmatched: string[]
  /** What was left out, and why, in words. */
  refused: string[]
  /** There were more: files, or entries to look at. */
  cut: boolean
}

const maxEntries = 200_000
const maxRefused = 20

/** Looks at no more than `maxFiles` files that match. */
export async function findFiles(workspace: string, patterns: readonly string[], maxFiles: number): Promise<Found> {
  const matcher = pathMatcher(patterns)
  const found: Found = { paths: [], unmatched: [], refused: [], cut: false }
  const used = new Set<number>()
  const refuse = (text: string): void => void (found.refused.length < maxRefused && found.refused.push(text))
  let seen = 0

  async function walk(folder: string, places: Places): Promise<void> {
    const dir = await opendir(join(workspace, folder)).catch(() => null)
    if (!dir) return
    const entries: [string, 'file' | 'folder' | 'other', Places][] = []
    for await (const entry of dir) {
      if (++seen > maxEntries) return void (found.cut = true)
      const next = matcher.step(places, entry.name)
      if (next && !(folder === '' && entry.name === '.git'))
        entries.push([entry.name, entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other', next])
    }
    for (const [name, kind, next] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const path = folder ? `${folder}/${name}` : name
      const matched = matcher.matched(next)
      if (kind === 'folder') await walk(path, next)
      else if (matched.length) {
        const problem = kind === 'other' ? 'is not a regular file' : pathProblem(path)
        for (const one of matched) used.add(one)
        if (problem) refuse(`${path} ${problem}`)
        else if (found.paths.length < maxFiles) found.paths.push(path)
        else found.cut = true
      }
      if (found.cut) return
    }
  }
  await walk('', matcher.start)
  found.unmatched = found.cut ? [] : patterns.filter((_, i) => !used.has(i))
  return found
}
