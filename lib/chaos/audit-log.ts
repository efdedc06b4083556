import { inOrder } from '#lib/jobs/in-order.ts'
import type { LogEntry } from '#lib/queue/log-reader.ts'
import type { JobFacts } from './facts.ts'
import { outputOf } from './jobs.ts'

/** What is wrong with one attempt's log. */
export interface LogProblem {
  text: string
  /** Lines that are missing without being stated as cut. */
  linesLost: number
}

const breaks = (text: string): number => text.split('\n').length - 1
/** A shell says so when the attempt's processes are ended under it. */
const shellsLastWords = /(?:^|\n)(?:bash: line \d+: .*\n?)+$/

/**
 * Holds the log of one attempt against what its steps must print. An accepted attempt's is complete, above the bound but for exactly the
 * stated cut; any other's is a beginning of it. No line in it is another attempt's, for every line names its own.
 */
export function auditLog(facts: JobFacts, attempt: number, accepted: boolean, bound: number): LogProblem[] {
  const entries = facts.log.filter((entry) => entry.attempt === attempt)
  const problems: LogProblem[] = []
  const wrong = (text: string, linesLost = 0): void => void problems.push({ text: `attempt ${attempt}: ${text}`, linesLost })
  const cut = { lines: 0, bytes: 0 }
  const stated = facts.cut[attempt] ?? { lines: 0, bytes: 0 }

  const cloned = textOf(entries.filter((entry) => entry.kind === 'out' && entry.step === 0))
  const steps = outputOf(facts.plan, attempt)
  const full = cloned + steps.join('')
  let at = 0
  let gap: number | null = null
  let kept = 0
  for (const entry of entries) {
    if (entry.kind === 'cut') gap = (gap ?? 0) + entry.lines
    if (entry.kind !== 'out' || entry.text === '') continue
    kept += entry.text.length
    const found = gap === null ? at : full.indexOf(entry.text, at)
    if (!full.startsWith(entry.text, found) || found < 0) {
      const ended = !accepted && full.startsWith(entry.text.replace(shellsLastWords, ''), at)
      if (!ended)
        wrong(`at character ${at} it says ${quote(entry.text)} instead of ${quote(full.slice(at))}`, breaks(full.slice(at)))
      return problems
    }
    if (gap !== null) {
      const missing = full.slice(at, found)
      if (breaks(missing) !== gap)
        wrong(`${breaks(missing)} lines are cut where ${gap} are stated`, Math.abs(breaks(missing) - gap))
      cut.lines += breaks(missing)
      cut.bytes += missing.length
      gap = null
    }
    at = found + entry.text.length
  }
  if (accepted && at < full.length) wrong(`it ends ${full.length - at} characters early`, breaks(full.slice(at)))
  if (cut.lines !== stated.lines || cut.bytes !== stated.bytes)
    wrong(`${cut.lines} lines (${cut.bytes} bytes) are cut, and ${stated.lines} (${stated.bytes}) are stated`)
  if (cut.bytes > 0 && full.length + markRoom <= bound)
    wrong(`it was cut although ${full.length} bytes are below the bound of ${bound}`)
  if (kept > bound) wrong(`${kept} bytes were kept above the bound of ${bound}`)
  return [...problems, ...(accepted ? auditMarks(facts, entries, attempt) : [])]
}

/** Marks count towards the bound as well. */
const markRoom = 2048

/** The marks of an accepted attempt say what its result says: a result of another attempt took other times. */
function auditMarks({ job }: JobFacts, entries: LogEntry[], attempt: number): LogProblem[] {
  const problems: LogProblem[] = []
  const done = entries.flatMap((entry) => (entry.kind === 'done' ? [shown(entry)] : []))
  // what took no time was not run: it has no marks
  const result = job
    ? inOrder(job)
        .filter(({ durationMs }) => durationMs !== null)
        .map(shown)
    : []
  if (done.join(' ') !== result.join(' '))
    problems.push({ text: `attempt ${attempt}: its marks say ${done.join(' ')}, the result ${result.join(' ')}`, linesLost: 0 })
  const last = entries.at(-1)
  if (last?.kind !== 'end' || last.state !== job?.state)
    problems.push({
      text: `attempt ${attempt}: its log ends with ${last?.kind ?? 'nothing'}, not with the end of the job`,
      linesLost: 0,
    })
  return problems
}

const shown = (step: { state: string; exitCode: number | null; durationMs: number | null }): string =>
  `${step.state}/${step.exitCode ?? '-'}/${step.durationMs ?? '-'}ms`
const textOf = (entries: LogEntry[]): string => entries.map((entry) => (entry.kind === 'out' ? entry.text : '')).join('')
const quote = (text: string): string => JSON.stringify(text.slice(0, 60))
