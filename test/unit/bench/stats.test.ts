import { describe, expect, test } from 'vitest'
import { alternate, goal, ratio } from '#test/bench/harness.ts'
import { figures, percentile, ratios } from '#test/bench/stats.ts'

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

describe('percentiles', () => {
  test.each([
    [upTo(100), 0.5, 50],
    [upTo(100), 0.95, 95],
    [upTo(30), 0.95, 29],
    [upTo(30), 0.5, 15],
    [[7], 0.95, 7],
    [[3, 1, 2], 0.5, 2],
    [upTo(10), 0, 1],
    [upTo(10), 1, 10],
  ])('by nearest rank', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected)
    expect(percentile(values.toReversed(), share)).toBe(expected)
  })

  test('of nothing there is none', () => expect(() => percentile([], 0.5)).toThrow('no percentile of nothing'))

  test('leave the values in their order', () => {
    const values = [3, 1, 2]
    expect(figures(values)).toEqual({ n: 3, min: 1, p50: 2, p95: 3, max: 3 })
    expect(values).toEqual([3, 1, 2])
  })

  test('keep four digits', () => expect(figures([123.456789]).p50).toBe(123.5))
})

describe('ratios', () => {
  test('are of pairs, not of medians', () => {
    // a slow spell in the second pair slows both sides, and leaves the ratio alone
    expect(ratios([10, 100, 12], [5, 50, 4])).toEqual({ n: 3, min: 2, p50: 2, p95: 3, max: 3 })
    expect(ratio('a', 'b', [3], [2])).toMatchObject({ of: 'a', to: 'b', p50: 1.5 })
  })

  test('need pairs', () => expect(() => ratios([1, 2], [1])).toThrow('not in pairs: 2 and 1'))
})

describe('alternate', () => {
  test('runs in turn, each round from another beginning, and leaves out the warm-up', async () => {
    const order: string[] = []
    const variant = (name: string) => async () => order.push(name)
    const variants = { a: variant('a'), b: variant('b'), c: variant('c') }
    const measured = await alternate(variants, 3, { signal: new AbortController().signal, warmUp: 1 })
    expect(order.join('')).toBe('abc' + 'bca' + 'cab' + 'abc')
    expect(measured).toEqual({ a: [6, 8, 10], b: [4, 9, 11], c: [5, 7, 12] })
  })

  test('stops when asked to', async () => {
    const stop = new AbortController()
    const runs = alternate({ a: async () => (stop.abort(new Error('enough')), 1) }, 1000, { signal: stop.signal })
    await expect(runs).rejects.toThrow('enough')
  })
})

test('a goal says what was wanted, what was measured, and whether that is enough', () => {
  expect(goal('p50', { atMost: 180 }, 180.04, 'ms')).toEqual({
    name: 'p50',
    wanted: '≤ 180 ms',
    measured: '180 ms',
    reached: false,
  })
  expect(goal('rate', { atLeast: 100_000 }, 383_912, 'lines/s')).toMatchObject({ measured: '383,900 lines/s', reached: true })
})
