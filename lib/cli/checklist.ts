import { formatDuration } from '#lib/duration.ts'
import { fail, info, ok, step } from './log.ts'
import { truncate } from './table.ts'
import { safe } from './untrusted.ts'

export type ItemState = 'waits' | 'looks' | 'works' | 'done' | 'same' | 'skipped' | 'failed'

export interface Item {
  name: string
  title: string
}

interface Row extends Item {
  state: ItemState
  text: string
  started: number
  ms: number
}

const marks: Record<ItemState, string> = { waits: '·', looks: '…', works: '▸', done: '✓', same: '✓', skipped: '-', failed: '✗' }
const moving = (state: ItemState): boolean => state === 'looks' || state === 'works'

/**
 * A list of what is to be done on stderr, each with its time: drawn again and again on a terminal, and one line for each change elsewhere.
 * `end` leaves it as it is.
 */
export function checklist(items: readonly Item[], stream: NodeJS.WriteStream = process.stderr) {
  const rows = new Map<string, Row>(items.map((item) => [item.name, { ...item, state: 'waits', text: '', started: 0, ms: 0 }]))
  const wide = Math.max(0, ...items.map(({ title }) => title.length))
  const live = Boolean(stream.isTTY) && process.env['TERM'] !== 'dumb'
  let drawn = 0

  const draw = (): void => {
    const width = Number(process.env['COLUMNS']) || stream.columns || 80
    const lines = [...rows.values()].map(({ state, title, text, started, ms }) => {
      const time = moving(state) ? Math.round(performance.now() - started) : ms
      const shown = state === 'waits' || state === 'skipped' ? '' : formatDuration(time)
      return truncate(`${marks[state]} ${title.padEnd(wide)}  ${shown.padStart(7)}  ${safe(text)}`.trimEnd(), width - 1)
    })
    // no more than fit: what has scrolled off can't be drawn over
    const fits = Math.max(1, (stream.rows ?? 24) - 1)
    const from = Math.max(
      0,
      Math.min(
        lines.length - fits,
        [...rows.values()].findIndex(({ state }) => moving(state)),
      ),
    )
    const shown = lines.slice(from, from + fits)
    stream.write(`${drawn ? `\x1b[${drawn}A` : ''}${shown.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[J`)
    drawn = shown.length
  }
  const timer = live ? setInterval(draw, 200) : undefined
  timer?.unref()
  if (live) draw()

  return {
    /** Says how one of them is now; `text` is why, or what is being done. */
    set(name: string, state: ItemState, text = '', ms = 0): void {
      const row = rows.get(name)
      if (!row) return
      if (live) {
        const started = moving(state) && !moving(row.state) ? performance.now() : row.started
        rows.set(name, { ...row, state, text, ms, started })
        return draw()
      }
      const changed = row.state !== state || row.text !== text
      rows.set(name, { ...row, state, text, ms })
      if (changed) plain(rows.get(name)!)
    },
    end(): void {
      clearInterval(timer)
      if (live) draw()
    },
  }
}

function plain({ state, title, text, ms }: Row): void {
  const why = text && `: ${text}`
  if (state === 'works') step(`${title}${why}`)
  if (state === 'done') ok(`${title}, ${formatDuration(ms)}${why}`)
  if (state === 'same') ok(`${title}: nothing to do${text && ` (${text})`}`)
  if (state === 'skipped') info(`- ${title}: skipped${why}`)
  if (state === 'failed') fail(`${title}, ${formatDuration(ms)}${why}`)
}

export type Checklist = ReturnType<typeof checklist>
