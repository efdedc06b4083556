import { html, raw } from 'hono/html'
import { formatDuration } from '#lib/duration.ts'
import type { LogEntry } from '#lib/queue/log-reader.ts'
import type { Step } from '#lib/queue/types.ts'
import type { Html } from './layout.ts'
import { lineToHtml, plain } from './static/ansi.js'

interface StepLog {
  number: number
  name: string
  lines: string[]
  rest: string
  style: ReturnType<typeof plain>
  cut: number
  count: number
}

/** Lines that a page holds of one step; the raw log has all. */
const mostLines = 5000

export interface LogView {
  steps: StepLog[]
  /** The entry up to which it goes. */
  last: string
}

/** Gathers the log of the last attempt by steps. */
export async function gatherLog(entries: AsyncIterable<LogEntry>): Promise<LogView> {
  let steps = new Map<number, StepLog>()
  let last = '0-0'
  let attempt = 0
  for await (const entry of entries) {
    if (entry.attempt !== attempt) steps = new Map()
    attempt = entry.attempt
    if (entry.kind !== 'cut') last = entry.id
    if (entry.kind === 'step') steps.set(entry.step, begun(entry.step, entry.name))
    else if (entry.kind === 'out') {
      const step = steps.get(entry.step) ?? begun(entry.step, `step ${entry.step}`)
      steps.set(entry.step, step)
      add(step, entry.text)
    } else if (entry.kind === 'done') {
      const step = steps.get(entry.step)
      if (step?.rest) add(step, '\n')
    }
  }
  return { steps: [...steps.values()], last }
}

const begun = (number: number, name: string): StepLog => ({ number, name, lines: [], rest: '', style: plain(), cut: 0, count: 0 })

function add(step: StepLog, text: string): void {
  const parts = (step.rest + text).split('\n')
  step.rest = parts.pop()!
  for (const line of parts) {
    const id = `s${step.number}-${++step.count}`
    step.lines.push(`<a class="n" id="${id}" href="#${id}">${step.count}</a>${lineToHtml(line, step.style)}\n`)
  }
  const over = step.lines.length - mostLines
  if (over <= 0) return
  step.lines.splice(0, over)
  step.cut += over
}

/** The steps, foldable: open is what failed or runs. `all`: phases and steps of the job, as the log numbers them. */
export const logView = ({ steps }: LogView, all: Step[]): Html =>
  html`${steps.map((step) => {
    const known = all[step.number]
    const open = !known || known.state === 'failed' || known.state === 'running' || steps.length === 1
    return html`<details id="step-${step.number}" ${open ? raw('open') : ''}>
      <summary>
        ${step.name} <span class="${known?.state ?? ''}">${known?.state ?? ''}</span>
        <span class="soft">${known?.durationMs == null ? '' : formatDuration(known.durationMs)} ${known?.reason ?? ''}</span>
      </summary>
      ${step.cut ? html`<div class="cut">… ${step.cut} earlier lines are in the raw log …</div>` : ''}
      <pre>${raw(step.lines.join(''))}</pre>
    </details>`
  })}`
