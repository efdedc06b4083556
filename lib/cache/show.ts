/** What is shown of caches. */
import { formatBytes } from '#lib/bytes.ts'
import { formatDuration } from '#lib/duration.ts'
import type { CacheUse, Step } from '#lib/queue/types.ts'

/** One cache as a line tells it: `target: hit, 297.5 MiB in 8ms`. */
export function useText({ paths, outcome, reason, bytes, restoreMs, savedMs, notSaved }: CacheUse): string {
  const size = bytes ? `, ${formatBytes(bytes)} in ${formatDuration(restoreMs)}` : ''
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
  return `cache ${outcomes}${bytes ? `, ${formatBytes(bytes)}` : ''}${saved ? `, saved ${formatDuration(saved)}` : ''}`
}
