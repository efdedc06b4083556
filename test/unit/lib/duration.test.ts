import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '#lib/duration.ts'

test.for([
  ['90s', 90_000],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['2d', 172_800_000],
  ['1m500ms', 60_500],
  ['24d', 2_073_600_000],
  ['0s', 0],
] as const)('%s is %i ms', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms)
})

test.for(['', 'ten', '10', '-5m', '1.5h', '5 m', '5m ', '30m1h', '5M', '25d', '999999999d', '1h1h', 's', '٣m', '10m\n'])(
  '%j is not a duration',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)

test.for([
  [0, '0ms'],
  [-3, '0ms'],
  [412, '412ms'],
  [999.6, '1.0s'],
  [3_210, '3.2s'],
  [59_949, '59.9s'],
  [59_950, '1m00s'],
  [65_000, '1m05s'],
  [3_599_600, '1h00m'],
  [7_380_000, '2h03m'],
  [100_800_000, '1d04h'],
] as const)('%d ms is shown as %s', ([ms, text]) => {
  expect(formatDuration(ms)).toBe(text)
})
