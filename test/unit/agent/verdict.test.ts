import { describe, expect, test } from 'vitest'
import type { PlannedStep } from '#lib/pipeline/types.ts'
import type { Step } from '#lib/queue/types.ts'
import { leftOut } from '../../../agent/passed.ts'
import { verdict } from '../../../agent/verdict.ts'

const step = (state: Step['state'], reason?: string): Step => ({
  name: 's',
  state,
  exitCode: 0,
  durationMs: 1,
  ...(reason && { reason }),
})
const plan = (more: Partial<PlannedStep> = {}): PlannedStep => ({ name: 's', run: ':', ...more })

describe('what a job without a failed step is worth', () => {
  test.each<[string, PlannedStep[], Step[], string, string]>([
    ['a step ran', [plan()], [step('success')], 'success', ''],
    [
      'a tool is missing for all',
      [plan({ skip: 'no cargo' })],
      [step('skipped', 'no cargo')],
      'failed',
      'nothing was run: every step was skipped (no cargo)',
    ],
    ['there is none', [], [], 'failed', 'nothing was run: there are no steps'],
    [
      'all are for other branches',
      [plan({ skip: 'only main', elsewhere: true })],
      [step('skipped', 'only main')],
      'success',
      'nothing to do: no step is for the branch topic',
    ],
    [
      'one is for another branch, for the other a tool is missing',
      [plan({ skip: 'only main', elsewhere: true }), plan({ skip: 'no cargo' })],
      [step('skipped', 'only main'), step('skipped', 'no cargo')],
      'failed',
      'nothing was run: every step was skipped (only main; no cargo)',
    ],
  ])('%s', (_, planned, steps, state, reason) => {
    expect(verdict(planned, steps, 'topic')).toMatchObject({ state, reason })
  })
})

describe('what passed before', () => {
  const passed = [{ index: 1, name: 'lint', attempt: 3 }]

  test('is left out where it stands alone, at the same place, under the same name', () => {
    const planned = [
      plan({ name: 'install' }),
      plan({ name: 'lint', independent: true }),
      plan({ name: 'test', independent: true }),
    ]
    expect(leftOut(planned, passed).map(({ skip }) => skip)).toEqual([undefined, 'passed in attempt 3', undefined])
  })

  test.each([
    ['it moved', [plan({ name: 'lint', independent: true }), plan({ name: 'x' })]],
    ['it is another', [plan(), plan({ name: 'format', independent: true })]],
    ['others need it', [plan(), plan({ name: 'lint' })]],
  ])('runs again: %s', (_, planned) => expect(leftOut(planned, passed).every(({ skip }) => skip === undefined)).toBe(true))
})
