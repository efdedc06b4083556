/** Whether a branch is meant by a pattern: `*` stands for anything within a part of a name, `**` for anything, `?` for one character. */
export function matchesBranch(branch: string, pattern: string): boolean {
  const parts = pattern.match(/\*\*|[^]/gu) ?? []
  // All places of the pattern that are reached after each character: its time is bounded whatever a stranger wrote, a RegExp's is not.
  let reached = skipStars(parts, [0])
  for (const letter of branch) {
    const next = [...reached].flatMap((at) => {
      const part = parts[at]
      if (part === '**' || (part === '*' && letter !== '/')) return [at]
      return part === letter || (part === '?' && letter !== '/') ? [at + 1] : []
    })
    reached = skipStars(parts, next)
  }
  return reached.has(parts.length)
}

/** These places, and those behind stars that stand for nothing. */
function skipStars(parts: string[], places: number[]): Set<number> {
  const found = new Set<number>()
  for (let at of places) {
    while (!found.has(at)) {
      found.add(at)
      if (parts[at] === '*' || parts[at] === '**') at++
    }
  }
  return found
}

/** Whether a name is meant by any of the patterns. */
export const matchesAny = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) => matchesBranch(name, pattern))

/** Why a step for these branches is not run on this one; undefined when it is. */
export function notForBranch(branches: string[] | undefined, branch: string): string | undefined {
  if (!branches || matchesAny(branches, branch)) return undefined
  return `only on ${branches.join(', ')}; this is ${branch && branch !== 'HEAD' ? branch : 'no branch'}`
}
