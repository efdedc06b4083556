/** Edits (insert, delete, replace, swap neighbours) between two short texts. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity
      rows[i]![j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped)
    }
  }
  return at(a.length, b.length)
}

/** The candidate that was probably meant, if one is near enough to say so. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  // Hostile input may be megabytes long, and the comparison is quadratic.
  if (text.length > 64) return undefined
  const ranked = candidates
    .map((name) => ({ name, d: name.startsWith(text) && text.length > 2 ? 0.5 : distance(text, name) }))
    .sort((a, b) => a.d - b.d)
  const best = ranked[0]
  return best && best.d <= Math.max(1, Math.floor(Math.max(text.length, best.name.length) / 3)) ? best.name : undefined
}
