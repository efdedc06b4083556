/** Which paths an artifact may have, and which of them a pattern means. */
import { matchesBranch } from '#lib/pipeline/branches.ts'

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** What is wrong with the path of an artifact, as the end of a sentence; undefined for one that stays below its folder everywhere. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (!path.isWellFormed()) return 'is not valid text'
  if (control.test(path)) return 'contains a control character'
  if (Buffer.byteLength(path) > 1024) return 'is longer than 1024 bytes'
  if (path.includes('\\')) return 'contains a backslash'
  if (path.startsWith('/') || path.startsWith('~')) return 'does not lie in the workspace'
  const parts = path.split('/')
  if (parts.includes('..')) return 'leads out of the workspace'
  if (parts.includes('') || parts.includes('.')) return 'has an empty part'
  return parts.some((part) => Buffer.byteLength(part) > 255) ? 'has a part of more than 255 bytes' : undefined
}

/** Where a walk stands: for each pattern, the parts that may come next. */
export type Places = readonly (readonly number[])[]

/**
 * Patterns of paths: `*` and `?` within a part, `**` for any number of parts; one that means a folder means all that is in it. A walk takes them
 * along part by part, so that it never enters a folder in which nothing can match.
 */
export function pathMatcher(patterns: readonly string[]) {
  const all = patterns.map((pattern) =>
    pattern
      .replace(/^(?:\.\/)+/, '')
      .replace(/\/+$/, '')
      .split('/'),
  )
  const beyondStars = (parts: readonly string[], places: Iterable<number>): number[] => {
    const found = new Set<number>()
    for (let at of places) {
      found.add(at)
      while (parts[at] === '**') found.add(++at)
    }
    return [...found]
  }
  return {
    start: all.map((parts) => beyondStars(parts, [0])) as Places,

    /** The places behind a part of a path; null when nothing below it can match. */
    step(places: Places, part: string): Places | null {
      const next = all.map((parts, i) =>
        beyondStars(
          parts,
          places[i]!.flatMap((at) => {
            // the pattern's end was a folder above: everything in it is meant
            if (at === parts.length) return [at]
            if (parts[at] === '**') return [at]
            return matchesBranch(part, parts[at]!) ? [at + 1] : []
          }),
        ),
      )
      return next.some((one) => one.length > 0) ? next : null
    },

    /** Numbers of the patterns that mean the path which led here. */
    matched: (places: Places): number[] => all.flatMap((parts, i) => (places[i]!.includes(parts.length) ? [i] : [])),
  }
}
