import { safe } from './untrusted.ts'

export interface Column<Row> {
  title: string
  value: (row: Row) => string | number | null | undefined
  /** Colours a cell that is already padded; must not change its width. */
  style?: (cell: string, row: Row) => string
}

const gap = '  '
const narrowest = 4
const segmenter = new Intl.Segmenter()
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Regional_Indicator}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u

const isAscii = (text: string) => /^[\x20-\x7e]*$/.test(text)
const graphemeWidth = (grapheme: string) => (wide.test(grapheme) ? 2 : /^\p{Mn}/u.test(grapheme) ? 0 : 1)

/** Columns of a terminal that a text takes, as nearly as can be told without asking the terminal. */
export function textWidth(text: string): number {
  if (isAscii(text)) return text.length
  return [...segmenter.segment(text)].reduce((sum, { segment }) => sum + graphemeWidth(segment), 0)
}

/** The text, cut to a width, with … where it was cut. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of segmenter.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width) break
    kept += segment
  }
  return `${kept}…`
}

/** The width to keep to: COLUMNS, else the terminal's; whole lines where nobody looks (`| grep`). */
export function terminalWidth(env: NodeJS.ProcessEnv = process.env): number {
  const columns = Number(env['COLUMNS'])
  return columns > 0 ? columns : process.stdout.isTTY ? process.stdout.columns : Infinity
}

/** Rows under titles, numbers to the right, the widest column cut so that a line fits; untrusted values are made harmless. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], { width = terminalWidth() } = {}): string {
  const cells = rows.map((row) => columns.map(({ value }) => value(row) ?? ''))
  const texts = cells.map((line) => line.map((cell) => safe(String(cell))))
  const numeric = columns.map(
    (_, c) =>
      cells.some((line) => typeof line[c] === 'number') && cells.every((line) => line[c] === '' || typeof line[c] === 'number'),
  )
  const widths = fit(
    columns.map(({ title }, c) => Math.max(textWidth(title), ...texts.map((line) => textWidth(line[c]!)))),
    width,
  )
  const layout = (line: readonly string[], row?: Row) =>
    columns
      .map(({ style }, c) => {
        const text = truncate(line[c]!, widths[c]!)
        const space = ' '.repeat(widths[c]! - textWidth(text))
        const bare = numeric[c] ? space + text : c === columns.length - 1 ? text : text + space
        return style && row !== undefined ? style(bare, row) : bare
      })
      .join(gap)
      .trimEnd()
  return [layout(columns.map(({ title }) => title)), ...texts.map((line, r) => layout(line, rows[r]))].join('\n')
}

function fit(natural: number[], width: number): number[] {
  const widths = [...natural]
  const room = width - gap.length * (widths.length - 1)
  for (let over = widths.reduce((a, b) => a + b, 0) - room; over > 0;) {
    const widest = Math.max(...widths)
    if (widest <= narrowest) break
    // Down to the next widest one at a time, so that equals shrink evenly.
    const next = Math.max(narrowest, ...widths.filter((w) => w < widest))
    const cut = Math.max(1, Math.min(widest - next, Math.floor(over / widths.filter((w) => w === widest).length) || 1))
    const at = widths.indexOf(widest)
    widths[at] = Math.max(narrowest, widest - cut)
    over -= widest - widths[at]
  }
  return widths
}
