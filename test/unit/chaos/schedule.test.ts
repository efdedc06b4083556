import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultKinds } from '#lib/chaos/kinds.ts'
import { random } from '#lib/chaos/random.ts'
import { schedule } from '#lib/chaos/schedule.ts'

const anyRound = fc.record({
  seed: fc.nat(),
  jobs: fc.integer({ min: 1, max: 300 }),
  faults: fc.integer({ min: 0, max: 120 }),
  kinds: fc.subarray([...faultKinds], { minLength: 1 }),
})

describe('the schedule', () => {
  test('comes from the seed and the numbers alone', () => {
    fc.assert(fc.property(anyRound, (round) => void expect(schedule(round)).toEqual(schedule({ ...round }))))
  })

  test('another seed gives another one', () => {
    const of = (seed: number) => JSON.stringify({ ...schedule({ seed, jobs: 50, faults: 20, kinds: faultKinds }), seed: 0 })
    expect(new Set([1, 2, 3, 4].map(of)).size).toBe(4)
  })

  test('has as many faults as asked for, each kind once before any comes twice', () => {
    fc.assert(
      fc.property(anyRound, (round) => {
        const { faults } = schedule(round)
        expect(faults.map(({ n }) => n)).toEqual(Array.from({ length: round.faults }, (_, n) => n))
        const times = round.kinds.map((kind) => faults.filter((fault) => fault.kind === kind).length)
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('has as many jobs as asked for, and more only when the faults bring more; every job has a name of its own', () => {
    fc.assert(
      fc.property(anyRound, (round) => {
        const { jobs, faults } = schedule(round)
        const own = faults.flatMap(({ job }) => job ?? [])
        expect(jobs.length + own.length).toBe(Math.max(round.jobs, own.length))
        const names = [...jobs, ...own].map(({ name }) => name)
        expect(new Set(names).size).toBe(names.length)
      }),
    )
  })

  test('no fault waits for more jobs than are put on the queue without it', () => {
    fc.assert(
      fc.property(anyRound, (round) => {
        const { jobs, faults } = schedule(round)
        for (const { n, afterJobs } of faults)
          expect(afterJobs).toBeLessThanOrEqual(Math.ceil((jobs.length * (n + 1)) / faults.length))
      }),
    )
  })
})

test('numbers lie where they should, and are spread', () => {
  const dice = random(1)
  const drawn = Array.from({ length: 10_000 }, () => dice.whole(3, 7))
  for (const n of [3, 4, 5, 6, 7]) expect(drawn.filter((one) => one === n).length / drawn.length).toBeCloseTo(0.2, 1)
  expect(new Set(drawn).size).toBe(5)
})
