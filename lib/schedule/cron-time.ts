/** When something recurs, in cron's terms: what cron and systemd both can be told. Stricter than cron itself, which takes nonsense and never fires. */
import { UsageError } from '#lib/errors.ts'

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  title: string
  min: number
  max: number
  names?: readonly string[]
}
const fields: readonly Field[] = [
  { title: 'minute', min: 0, max: 59 },
  { title: 'hour', min: 0, max: 23 },
  { title: 'day of the month', min: 1, max: 31 },
  { title: 'month', min: 1, max: 12, names: months },
  { title: 'day of the week', min: 0, max: 7, names: days },
]

const nicknames: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
}

/** Of each field the numbers that it means; null: all of them. */
export interface CronTime {
  text: string
  minute: number[] | null
  hour: number[] | null
  day: number[] | null
  month: number[] | null
  weekday: number[] | null
}

/** Throws UsageError that names the field that is wrong. */
export function parseCron(given: string): CronTime {
  const text = nicknames[given.trim().toLowerCase()] ?? given.trim().replace(/\s+/g, ' ')
  const parts = text.split(' ')
  if (given.length > 200 || parts.length !== 5)
    throw new UsageError(
      `--cron: ${JSON.stringify(given.slice(0, 60))} is not a time of cron: five fields (minute, hour, day, month, weekday), such as "*/15 * * * *"`,
    )
  const [minute, hour, day, month, weekday] = parts.map((part, i) => numbersOf(part.toLowerCase(), fields[i]!, given))
  const week = weekday && [...new Set(weekday.map((n) => n % 7))].toSorted((a, b) => a - b)
  const longest = Math.max(...(month ?? [1]).map((n) => (n === 2 ? 29 : [4, 6, 9, 11].includes(n) ? 30 : 31)))
  if (day && !week && Math.min(...day) > longest)
    throw new UsageError(`--cron: ${JSON.stringify(given)} is a day that never comes`)
  return { text, minute: minute!, hour: hour!, day: day!, month: month!, weekday: week! }
}

function numbersOf(part: string, { title, min, max, names }: Field, given: string): number[] | null {
  const wrong = () => new UsageError(`--cron: ${JSON.stringify(part)} is no ${title} (${min}-${max}) in ${JSON.stringify(given)}`)
  const number = (text: string): number => {
    const named = names?.indexOf(text) ?? -1
    const value = named >= 0 ? named + min : /^\d{1,2}$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    throw wrong()
  }
  const found = part.split(',').flatMap((one) => {
    const [, range = '', step] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(one) ?? []
    const by = step === undefined ? 1 : Number(step)
    const [from, to] = range === '*' ? [min, max] : range.split('-').map(number)
    // as cron has it, a step is of a range
    if (from === undefined || by < 1 || range.split('-').length > 2 || (step !== undefined && to === undefined)) throw wrong()
    const last = to ?? from
    if (last < from) throw wrong()
    return Array.from({ length: Math.floor((last - from) / by) + 1 }, (_, n) => from + n * by)
  })
  return part === '*' ? null : [...new Set(found)].toSorted((a, b) => a - b)
}

const minute = 60_000
const hour = 60 * minute

/** `15m` as a time of cron. Throws UsageError for what cron can't say: it knows no 7 minutes that go on over the hour. */
export function everyToCron(ms: number): string {
  if (ms === 24 * hour) return '0 0 * * *'
  if (ms === 7 * 24 * hour) return '0 0 * * 0'
  if (ms === hour) return '0 * * * *'
  if (ms >= minute && ms < hour && hour % ms === 0 && ms % minute === 0)
    return ms === minute ? '* * * * *' : `*/${ms / minute} * * * *`
  if (ms > hour && ms < 24 * hour && (24 * hour) % ms === 0 && ms % hour === 0) return `0 */${ms / hour} * * *`
  throw new UsageError(
    '--every: give 1m to 30m that divide the hour (5m, 10m, 15m, …), 1h to 12h that divide the day, 1d or 7d; or say it by --cron',
  )
}

const two = (n: number): string => String(n).padStart(2, '0')
const list = (numbers: number[] | null): string => numbers?.map(two).join(',') ?? '*'

/** The same for OnCalendar of systemd; two lines where cron means "on this day of the month, and also on this day of the week". */
export function toOnCalendar(time: CronTime): string[] {
  const clock = `${list(time.hour)}:${list(time.minute)}:00`
  const date = (day: number[] | null) => `*-${list(time.month)}-${list(day)}`
  const week = time.weekday && time.weekday.map((n) => days[n]![0]!.toUpperCase() + days[n]!.slice(1)).join(',')
  if (week && time.day) return [`${date(time.day)} ${clock}`, `${week} ${date(null)} ${clock}`]
  return [`${week ? `${week} ` : ''}${date(time.day)} ${clock}`]
}
