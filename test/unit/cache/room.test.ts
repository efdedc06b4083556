import { expect, test } from 'vitest'
import { planPrune } from '#lib/cache/room.ts'
import type { Entry } from '#lib/cache/store.ts'

const day = 86_400_000
const now = 100 * day
const entry = (key: string, daysAgo: number, bytes: number, spare = 0): Entry =>
  ({
    key,
    meta: { usedAt: now - daysAgo * day, bytes },
    spares: spare ? [{ bytes: spare }] : [],
  }) as unknown as Entry

const limits = { maxAge: 7 * day, maxSize: 100, minFree: null }
const plenty = { free: 1000, floor: 10 }
const plan = (entries: Entry[], disk = plenty, room = 0) =>
  planPrune(entries, limits, disk, now, room).map(({ entry, bytes, why }) => `${entry.key} ${bytes} ${why}`)

test('nothing goes without need', () => {
  expect(plan([entry('a', 6.9, 50), entry('b', 0, 50)])).toEqual([])
  expect(plan([])).toEqual([])
})

test('what was not used for 7 days', () => {
  expect(plan([entry('a', 7.1, 1), entry('b', 7, 1)])).toEqual(['a 1 not used for too long'])
})

test('the least recently used, until the rest fits; spares count', () => {
  expect(plan([entry('new', 1, 60), entry('old', 3, 20, 20), entry('middle', 2, 30)])).toEqual(['old 40 too much in all'])
  expect(plan([entry('only', 0, 101)])).toEqual(['only 101 too much in all'])
})

test('until enough of the disk is free, and room for what comes', () => {
  const two = [entry('a', 2, 5), entry('b', 1, 5)]
  expect(plan(two, { free: 6, floor: 10 })).toEqual(['a 5 the disk is nearly full'])
  expect(plan(two, { free: 12, floor: 10 }, 7)).toEqual(['a 5 the disk is nearly full'])
  expect(plan(two, { free: 0, floor: 10 })).toHaveLength(2)
})
