/** What a list of measurements comes to. Percentiles by nearest rank: p95 is the smallest value that 95 % of all do not exceed. */
export interface Figures {
  n: number
  min: number
  p50: number
  p95: number
  max: number
}

export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('There is no percentile of nothing.')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
}

/** A measurement is precise to a few digits: 4 of them are kept. */
export const rounded = (value: number): number => Number(value.toPrecision(4))

export const figures = (values: readonly number[]): Figures => ({
  n: values.length,
  min: rounded(percentile(values, 0)),
  p50: rounded(percentile(values, 0.5)),
  p95: rounded(percentile(values, 0.95)),
  max: rounded(percentile(values, 1)),
})

/** Of runs made in pairs, one after the other: each pair's ratio, so that what slows the machine for a while slows both sides of it. */
export function ratios(of: readonly number[], to: readonly number[]): Figures {
  if (of.length !== to.length) throw new RangeError(`Runs are not in pairs: ${of.length} and ${to.length}.`)
  return figures(of.map((value, i) => value / to[i]!))
}
