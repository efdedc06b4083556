import { table } from '#lib/cli/table.ts'
import type { Ratio, Series } from './harness.ts'
import type { Result } from './result.ts'

const number = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 4 })

interface Row {
  name: string
  unit: string
  figures: Series | Ratio
}

const rows = ({ series, ratios }: Result): Row[] => [
  ...series.map((one) => ({ name: one.name, unit: one.unit, figures: one })),
  ...ratios.map((one) => ({ name: `${one.of} ÷ ${one.to}`, unit: '×', figures: one })),
]

/** A result for a terminal. */
export function report(result: Result): string {
  const figures = table(
    rows(result),
    [
      { title: 'WHAT', value: (row) => row.name },
      { title: 'UNIT', value: (row) => row.unit },
      { title: 'N', value: (row) => row.figures.n },
      ...(['p50', 'p95', 'max'] as const).map((key) => ({
        title: key.toUpperCase(),
        value: (row: Row) => number(row.figures[key]),
      })),
    ],
    { width: Infinity },
  )
  const goals = table(
    result.goals,
    [
      { title: 'GOAL', value: (one) => one.name },
      { title: 'WANTED', value: (one) => one.wanted },
      { title: 'MEASURED', value: (one) => one.measured },
      { title: 'REACHED', value: (one) => (one.reached ? 'yes' : 'no') },
    ],
    { width: Infinity },
  )
  const parts = [`${result.bench}: ${result.summary} (${result.tookS} s)`, figures, ...(result.goals.length ? [goals] : [])]
  return `${parts.join('\n\n')}\n`
}

/** The same for docs/performance.md. */
export function markdown(result: Result): string {
  const lines = rows(result).map(({ name, unit, figures }) => {
    const cells = [figures.n, number(figures.p50), number(figures.p95), number(figures.max)]
    return `| ${name} | ${unit} | ${cells.join(' | ')} |`
  })
  const notes = result.notes.map((note) => `- ${note}`)
  return [
    `### ${result.bench}\n\n${result.summary}. By \`${result.command}\`, ${result.at.slice(0, 10)}, in ${result.tookS} s.`,
    notes.join('\n'),
    ['| what | unit | n | p50 | p95 | max |', '| --- | --- | ---: | ---: | ---: | ---: |', ...lines].join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n')
}
