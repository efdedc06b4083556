import { describe, expect, test } from 'vitest'
import { journal } from '#lib/bootstrap/journal.ts'
import { inOrder } from '#lib/bootstrap/order.ts'
import { reconcile, type Notice } from '#lib/bootstrap/reconcile.ts'
import { repairLimits, waitAfter } from '#lib/bootstrap/repair.ts'
import { emptyState, stateNames } from '#lib/bootstrap/state.ts'
import { found, move } from '#lib/bootstrap/transitions.ts'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { RaibidError } from '#lib/errors.ts'
import { bootstrapOf, standIn, standInContext, type StandIn } from '#test/helpers/components.ts'

/** A cluster of stand-ins that was installed, and turns of reconcile by a clock of the test's own. */
async function installed(...list: StandIn[]) {
  const ctx: ClusterContext = await standInContext()
  await bootstrapOf(list, ctx)
  let now = Date.now()
  const notices: Notice[] = []
  const notes = journal(
    ctx.home,
    () => {},
    () => now,
  )
  const ordered = inOrder(list)
  return {
    notices,
    state: (name: string) => notes.state().components[name]!,
    pass: (ms: number) => (now += ms),
    async turn(dryRun = false): Promise<string[]> {
      const options = { journal: notes, notify: async (one: Notice) => void notices.push(one), everyMs: 5, dryRun }
      return (await reconcile(ordered, ctx, options)).map(
        ({ name, what, did }) => `${name}: ${what}${did === 'nothing' ? '' : `, ${did}`}`,
      )
    },
  }
}
const drift = (one: StandIn): void => void (one.finding = { state: 'degraded', reason: 'its pods are gone' })

describe('reconcile', () => {
  test('does nothing to what is well', async () => {
    const { turn } = await installed(standIn('a'), standIn('b', ['a']))
    expect(await turn()).toEqual(['a: well', 'b: well'])
  })

  test('repairs what drifted, and in the same turn what stands on it', async () => {
    const [a, b] = [standIn('a'), standIn('b', ['a'])]
    const { turn, state } = await installed(a, b)
    drift(a)
    b.finding = { state: 'absent' }
    expect(await turn(true)).toEqual(['a: repair', 'b: held'])
    expect(a.finding.state).toBe('degraded')
    expect(await turn()).toEqual(['a: repair, repaired', 'b: repair, repaired'])
    expect(state('a')).toMatchObject({ state: 'healthy', failures: 0 })
  })

  test('installs nothing that was never installed', async () => {
    const [a, b] = [standIn('a'), standIn('b', ['a'])]
    const { turn } = await installed(a)
    expect(await turn()).toEqual(['a: well'])
    const ctx = await standInContext()
    const notes = journal(ctx.home, () => {})
    const did = await reconcile([a, b], ctx, { journal: notes, notify: async () => {} })
    expect(did.map(({ what }) => what)).toEqual(['well', 'not wanted'])
  })

  test('waits longer after each failure, calls a person once, and then leaves it alone', async () => {
    const a = standIn('a')
    const { turn, pass, state, notices } = await installed(a)
    a.finding = { state: 'absent' }
    let applies = 0
    a.apply = async () => {
      applies++
      throw new RaibidError('the disk is full')
    }
    for (let i = 0; i < repairLimits.failures; i++) {
      expect(await turn()).toEqual(['a: repair, failed'])
      expect(await turn()).toEqual([i + 1 < repairLimits.failures ? 'a: later' : 'a: call, called'])
      pass(waitAfter(i + 1, repairLimits))
    }
    expect(notices).toEqual([
      { component: 'a', state: 'needs-human', reason: '5 repairs failed, the last one: the disk is full' },
    ])
    pass(86_400_000)
    expect(await turn()).toEqual(['a: waits for a person'])
    expect([applies, state('a').state]).toEqual([5, 'needs-human'])
    // the person mends it
    a.finding = { state: 'healthy' }
    expect(await turn()).toEqual(['a: well'])
    expect(state('a')).toMatchObject({ state: 'healthy', failures: 0, repaired: [] })
    expect(notices.at(-1)).toMatchObject({ state: 'healthy' })
  })

  test('does not thrash: what breaks again and again is a person’s', async () => {
    const a = standIn('a')
    const { turn, pass, notices } = await installed(a)
    for (let i = 0; i < 3; i++) {
      drift(a)
      expect(await turn()).toEqual(['a: repair, repaired'])
      pass(60_000)
    }
    drift(a)
    expect(await turn()).toEqual(['a: call, called'])
    expect(notices[0]!.reason).toBe('repaired 3 times within 60 min, and broke again: its pods are gone')
  })

  test('the same three times in a day are no thrashing', async () => {
    const a = standIn('a')
    const { turn, pass, notices } = await installed(a)
    for (let i = 0; i < 6; i++) {
      drift(a)
      expect(await turn()).toEqual(['a: repair, repaired'])
      pass(8 * 3_600_000)
    }
    expect(notices).toEqual([])
  })

  test('a clock that is set back holds up nothing, and makes nobody thrash', async () => {
    const a = standIn('a')
    const { turn, pass, notices } = await installed(a)
    for (let i = 0; i < 3; i++) {
      drift(a)
      expect(await turn()).toEqual(['a: repair, repaired'])
    }
    pass(-86_400_000)
    drift(a)
    expect(await turn()).toEqual(['a: repair, repaired'])
    drift(a)
    const { apply } = a
    a.apply = async () => {}
    pass(86_400_000 * 2)
    expect(await turn()).toEqual(['a: repair, failed'])
    a.apply = apply
    pass(-3_600_000)
    expect(await turn()).toEqual(['a: repair, repaired'])
    expect(notices).toEqual([])
  })

  test('a repair that never gets well is a failed one', async () => {
    const a = standIn('a')
    const { turn, state } = await installed(a)
    drift(a)
    a.apply = async () => {}
    expect(await turn()).toEqual(['a: repair, failed'])
    expect(state('a')).toMatchObject({ state: 'failed', failures: 1, reason: 'its pods are gone' })
  })

  test('a bootstrap by a person begins anew', async () => {
    const state = move(move(move(emptyState(), 'a', 'degraded', 1), 'a', 'needs-human', 2, 'why'), 'a', 'repairing', 3)
    expect(state.components['a']).toMatchObject({ state: 'repairing', repaired: [] })
  })
})

describe('transitions', () => {
  test('a way that there is not is refused', () => {
    expect(() => move(emptyState(), 'a', 'repairing', 1)).toThrow("a can't go from absent to repairing")
    expect(() => move(emptyState(), 'a', 'failed', 1)).toThrow("a can't go from absent to failed")
  })

  test('whatever was found, the journal takes it from every state', () => {
    for (const state of stateNames)
      for (const seen of ['absent', 'healthy', 'degraded'] as const) {
        const start = emptyState()
        start.components['a'] = { state, since: 1, reason: null, wanted: true, failures: 1, notBefore: 9, repaired: [] }
        expect(() => found(start, 'a', { state: seen }, 2)).not.toThrow()
      }
  })

  test('only so many are kept', () => {
    let state = emptyState()
    for (let i = 0; i < 700; i++) state = move(state, 'a', i % 2 ? 'degraded' : 'healthy', i)
    expect([state.transitions.length, state.transitions.at(-1)!.at]).toEqual([500, 699])
  })
})

test.each([
  [1, 10_000],
  [2, 20_000],
  [5, 160_000],
  [8, 600_000],
  [5000, 600_000],
])('after %i failures: %i ms', (failures, ms) => {
  expect(waitAfter(failures, repairLimits)).toBe(ms)
})
