/** What is shown of caches. */
import { formatDuration } from '#lib/duration.ts'
import type { CacheUse, Step } from '#lib/queue/types.ts'

/** `12 KB`, `3.4 MB`, `1.2 GB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let unit = 0
  let value = bytes
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** One cache as a line tells it: `target: hit, 312 MB in 8ms`. */
export function useText({ paths, outcome, reason, bytes, restoreMs, savedMs, notSaved }: CacheUse): string {
  const size = bytes ? `, ${formatSize(bytes)} in ${formatDuration(restoreMs)}` : ''
  const saved = savedMs === null ? '' : `, saved ${formatDuration(savedMs)}`
  return `${paths.join(', ')}: ${outcome}${reason ? ` (${reason})` : ''}${size}${saved}${notSaved ? `; not saved: ${notSaved}` : ''}`
}

/** All caches of a job in a few words, for the line that ends `tail`; empty when it has none of its own. */
export function cacheSummary(phases: Step[]): string {
  const uses = phases.flatMap(({ cache = [] }) => cache).filter(({ outcome }) => outcome !== 'shared')
  if (uses.length === 0) return ''
  const saved = uses.reduce((sum, { savedMs }) => sum + (savedMs ?? 0), 0)
  const bytes = uses.reduce((sum, use) => sum + use.bytes, 0)
  const outcomes = [...new Set(uses.map(({ outcome }) => outcome))].join(', ')
  return `cache ${outcomes}${bytes ? `, ${formatSize(bytes)}` : ''}${saved ? `, saved ${formatDuration(saved)}` : ''}`
}
