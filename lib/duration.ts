/** Durations as people write them: `90s`, `10m`, `1h30m`, `500ms`, `2d`. */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
// Timers of Node overflow above 24.8 days, and then end at once.
const longest = 24 * day

/** Milliseconds; null for anything that is not a duration (also: negative, without a unit, over 24 days). */
export function parseDuration(text: string): number | null {
  const match = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,10})ms)?$/.exec(text)
  if (text === '' || !match) return null
  const [days, hours, minutes, seconds, rest] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const ms = days * day + hours * hour + minutes * minute + seconds * second + rest
  return ms > longest ? null : ms
}

const two = (n: number): string => String(n).padStart(2, '0')

/** Short and readable: `412ms`, `3.2s`, `1m05s`, `2h03m`, `1d04h`. Takes milliseconds; a negative number counts as 0. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms))
  if (whole < second) return `${whole}ms`
  // 59.95 s and more would be shown as 60.0s.
  if (whole < minute - 50) return `${(whole / second).toFixed(1)}s`
  const seconds = Math.round(whole / second)
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`
  const hours = Math.floor(minutes / 60)
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`
}
