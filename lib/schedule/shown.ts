import type { Column } from '#lib/cli/table.ts'
import { ago, iso } from '#lib/cli/time.ts'
import type { Scheduled } from './scheduler.ts'

/** How what is scheduled is shown. */

/** In the machine's own time, as cron and systemd have it. */
const clock = (ms: number | null): string => (ms === null ? '-' : new Date(ms).toLocaleString('sv'))
export const nextOf = ({ next }: Scheduled): string => (next === null ? '' : `, next ${clock(next)}`)
export const shown = ({ next, last, ...rest }: Scheduled) => ({ ...rest, next: iso(next), last: iso(last) })
export const columns: Column<Scheduled>[] = [
  { title: 'RECIPE', value: ({ recipe }) => recipe },
  { title: 'WHEN', value: ({ time }) => time },
  { title: 'BY', value: ({ by }) => by },
  { title: 'NEXT', value: ({ next }) => clock(next) },
  {
    title: 'LAST',
    value: ({ last, lastCode }) => (last === null ? '-' : `${ago(last)} (${lastCode ? `exit ${lastCode}` : 'ok'})`),
  },
  { title: 'OUTPUT', value: ({ log }) => log },
]
