import { formatDuration } from '#lib/duration.ts'
import type { LogEntry } from '#lib/queue/log-reader.ts'

export interface Sink {
  /** Output of the build, as it is. */
  out: (text: string) => void
  /** What happened, a line each. */
  story: (text: string) => void
}

/**
 * Puts log entries on a sink as a person reads them. Every mark begins on a line of its own, also where a step's output ended without a
 * line break.
 */
export function logPrinter(sink: Sink): (entry: LogEntry) => void {
  let open = false
  const names = new Map<number, string>()
  const story = (text: string): void => {
    if (open) sink.out('\n')
    open = false
    sink.story(text)
  }
  return (entry) => {
    switch (entry.kind) {
      case 'start':
        names.clear()
        return story(`── attempt ${entry.attempt} on ${entry.agent}`)
      case 'step':
        names.set(entry.step, entry.name)
        return story(`▸ ${entry.name}${entry.run ? `: ${entry.run}` : ''}`)
      case 'out':
        open = !entry.text.endsWith('\n')
        return sink.out(entry.text)
      case 'done': {
        if (entry.state === 'success') return
        const took = entry.durationMs === null ? '' : ` after ${formatDuration(entry.durationMs)}`
        const why = entry.reason ? ` (${entry.reason})` : ''
        return story(
          `${entry.state === 'skipped' ? '○' : '✗'} ${names.get(entry.step) ?? 'step'} ${entry.state}${why}${entry.state === 'skipped' ? '' : took}`,
        )
      }
      case 'cut':
        return story(`… ${entry.lines.toLocaleString('en')} lines cut here to keep the log within its budget …`)
      case 'end':
        if (entry.state === 'lost')
          story(
            `── attempt ${entry.attempt} ended without a result: ${entry.reason}; ${entry.again ? `again in ${formatDuration(entry.again - entry.at)}` : 'again at once'}`,
          )
    }
  }
}
