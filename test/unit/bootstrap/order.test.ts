import { describe, expect, test } from 'vitest'
import { choose, inOrder, needing, type Choice } from '#lib/bootstrap/order.ts'
import { components } from '#lib/cluster/components/index.ts'
import { standIn } from '#test/helpers/components.ts'

const names = (list: readonly { name: string }[]): string => list.map(({ name }) => name).join(' ')

describe('the order of needs', () => {
  test.each([
    ['as given when it will do', [standIn('a'), standIn('b', ['a'])], 'a b'],
    ['what is needed first', [standIn('c', ['b']), standIn('b', ['a']), standIn('a')], 'a b c'],
    ['the rest stays where it was', [standIn('x'), standIn('b', ['a']), standIn('y'), standIn('a')], 'x a b y'],
  ])('%s', (_, list, wanted) => {
    expect(names(inOrder(list))).toBe(wanted)
  })

  test('a circle is refused, and named', () => {
    expect(() => inOrder([standIn('a', ['b']), standIn('b', ['c']), standIn('c', ['b'])])).toThrow('in a circle: b → c → b')
    expect(() => inOrder([standIn('a', ['a'])])).toThrow('in a circle: a → a')
  })

  test('a need that there is not is refused', () => {
    expect(() => inOrder([standIn('a', ['moon'])])).toThrow('a needs moon, and there is no such component')
  })

  test('everything that bootstrap installs has an order, names of one form, and titles', () => {
    expect(inOrder(components).length).toBe(components.length)
    expect(new Set(components.map(({ name }) => name)).size).toBe(components.length)
    for (const { name, title } of components) expect([/^[a-z][a-z0-9-]*$/.test(name), title.length > 2]).toEqual([true, true])
  })

  test('who needs it, near and far', () => {
    expect(needing('a', [standIn('a'), standIn('b', ['a']), standIn('c', ['b']), standIn('d')])).toEqual(['b', 'c'])
  })
})

describe('what is chosen', () => {
  const list = inOrder([standIn('a'), standIn('b', ['a']), standIn('c', ['b'])])
  const chosen = (choice: Choice): string => names(choose(list, choice).flatMap((one) => (one.chosen ? one.component : [])))
  test.each<[Choice, string]>([
    [{}, 'a b c'],
    [{ only: ['b'] }, 'b'],
    [{ from: 'b' }, 'b c'],
    [{ skip: ['b'] }, 'a c'],
    [{ from: 'b', skip: ['c'] }, 'b'],
    [{ only: ['a', 'c'], from: 'b' }, 'c'],
  ])('%j', (choice, wanted) => {
    expect(chosen(choice)).toBe(wanted)
  })

  test.each<[Choice, string]>([
    [{ only: ['bb'] }, '--only: there is no component "bb"; did you mean'],
    [{ from: 'zzzzzz' }, '--from: there is no component "zzzzzz" (a, b, c)'],
    [{ skip: [''] }, '--skip: there is no component ""'],
  ])('%j is wrong usage', (choice, sentence) => {
    expect(() => chosen(choice)).toThrow(sentence)
  })
})
