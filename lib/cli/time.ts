const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** How long ago, in the largest unit: `3m ago`. A time that is ahead (two clocks never agree) is `now`. */
export function ago(then: number, now = Date.now()): string {
  const ms = now - then
  const unit = units.find(([, size]) => ms >= size)
  return unit ? `${Math.floor(ms / unit[1])}${unit[0]} ago` : 'now'
}

/** A time as it is printed under `--json`. */
export const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString())
