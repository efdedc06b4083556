import { describe, expect, test } from 'vitest'
import { journal } from '#lib/bootstrap/journal.ts'
import { inOrder } from '#lib/bootstrap/order.ts'
import { reconcile } from '#lib/bootstrap/reconcile.ts'
import { confirmed, leftHanging, teardown, toRemove, type Removed } from '#lib/bootstrap/teardown.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { bootstrapOf, standIn, standInContext, type StandIn } from '#test/helpers/components.ts'

async function tornDown(list: StandIn[], only: string[] = []) {
  const ctx = await standInContext()
  await bootstrapOf(list, ctx)
  const notes = journal(ctx.home, () => {})
  const emitted: string[] = []
  const emit = ({ name, what }: { name: string; what: string }) => void emitted.push(`${name}: ${what}`)
  const removed = await teardown(toRemove(inOrder(list), only), ctx, { journal: notes, emit, everyMs: 5 })
  return { removed, words: removed.map(({ name, what }: Removed) => `${name}: ${what}`), state: notes.state(), emitted }
}

describe('teardown', () => {
  test('removes in reverse, looks afterwards, and forgets', async () => {
    const { words, state, emitted } = await tornDown([standIn('a'), standIn('b', ['a'])])
    expect(words).toEqual(['b: removed', 'a: removed'])
    expect(emitted).toEqual(['b: removes', 'b: removed', 'a: removes', 'a: removed'])
    expect(state.components).toEqual({})
  })

  test('what is left is named, and the others go all the same', async () => {
    const list = [standIn('a'), standIn('b', ['a'], { remove: async () => {} }), standIn('c')]
    const { removed } = await tornDown(list)
    expect(removed).toMatchObject([
      { name: 'c', what: 'removed' },
      { name: 'b', what: 'left', reason: 'it was removed, and is healthy' },
      { name: 'a', what: 'removed' },
    ])
  })

  test('what a person takes down nobody builds up again, whatever becomes of it', async () => {
    const [a, ctx] = [standIn('a'), await standInContext()]
    await bootstrapOf([a], ctx)
    const notes = journal(ctx.home, () => {})
    const wanted: unknown[] = []
    a.remove = async () => {
      wanted.push(notes.state().components['a']!.wanted)
      a.finding = { state: 'degraded', reason: 'half of it is gone' }
      throw new RaibidError('the connection broke')
    }
    await teardown([a], ctx, { journal: notes, emit: () => {} })
    expect(wanted).toEqual([false])
    const did = await reconcile([a], ctx, { journal: notes, notify: async () => {} })
    expect(did).toMatchObject([{ what: 'not wanted' }])
  })

  test('a removal that is refused says why', async () => {
    const remove = async () => {
      throw new RaibidError('the account may not delete namespaces')
    }
    expect((await tornDown([standIn('a', [], { remove })])).removed).toMatchObject([
      { what: 'left', reason: 'the account may not delete namespaces' },
    ])
  })

  test('what can’t be asked goes with k3s; without k3s it is left', async () => {
    const gone = async () => {
      throw new UnreachableError('cannot reach Kubernetes at https://x')
    }
    const b = () => standIn('b', [], { remove: gone })
    expect((await tornDown([standIn('k3s', [], { withoutCluster: true }), b()])).words).toEqual(['b: goes', 'k3s: removed'])
    expect((await tornDown([b()])).removed).toMatchObject([{ what: 'left', unreachable: true }])
  })

  test('nothing there is nothing done; what has nothing to take away stays', async () => {
    const a = standIn('a')
    const machine = standIn('machine')
    delete machine.remove
    const ctx = await standInContext()
    const removed = await teardown([a, machine], ctx, { journal: journal(ctx.home, () => {}), emit: () => {} })
    expect(removed.map(({ what }) => what)).toEqual(['nothing', 'stays'])
    expect(a.asked).toEqual(['check'])
  })

  test('some of them; an unknown name is wrong usage; what stands on it is named', async () => {
    const list = inOrder([standIn('a'), standIn('b', ['a']), standIn('c', ['b'])])
    expect(toRemove(list, ['a', 'b']).map(({ name }) => name)).toEqual(['b', 'a'])
    expect(() => toRemove(list, ['x'])).toThrow('there is no component "x" (a, b, c)')
    expect(leftHanging(list, toRemove(list, ['a', 'b']), new Set(['a', 'b', 'c']))).toEqual(['c'])
    expect(leftHanging(list, toRemove(list, ['a']), new Set(['a']))).toEqual([])
  })
})

describe('two confirmations', () => {
  const gitea = [standIn('gitea', [], { losesData: 'every repository' })]
  test.each([
    [gitea, { yes: false }, 'give --yes'],
    [gitea, { yes: false, iMean: 'spark' }, 'give --yes'],
    [gitea, { yes: true }, 'add --i-mean spark'],
    [gitea, { yes: true, iMean: 'Spark' }, 'this cluster is called "spark", not "Spark"'],
    [[], { yes: false }, 'give --yes'],
  ])('%#', (losing, given, sentence) => {
    expect(() => confirmed(losing, 'spark', given)).toThrow(sentence)
  })

  test.each([
    [gitea, { yes: true, iMean: 'spark' }],
    [[], { yes: true }],
  ])('given %#', (losing, given) => {
    expect(() => confirmed(losing, 'spark', given)).not.toThrow()
  })
})
