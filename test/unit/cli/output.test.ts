import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wantsColour } from '#lib/cli/log.ts'
import { nearest } from '#lib/cli/nearest.ts'
import { table, terminalWidth, textWidth, truncate } from '#lib/cli/table.ts'
import { ago } from '#lib/cli/time.ts'
import { safe, safeLines } from '#lib/cli/untrusted.ts'

describe('table', () => {
  const columns = [
    { title: 'ID', value: (row: { id: string; n: number | null; note: string }) => row.id },
    { title: 'N', value: (row: { n: number | null }) => row.n },
    { title: 'NOTE', value: (row: { note: string }) => row.note },
  ]
  const rows = [
    { id: 'a', n: 5, note: 'short' },
    { id: 'bb', n: 1200, note: 'a note that is rather long' },
    { id: 'c', n: null, note: '' },
  ]

  test('numbers to the right, no space at the end of a line', () => {
    expect(table(rows, columns).split('\n')).toEqual([
      'ID     N  NOTE',
      'a      5  short',
      'bb  1200  a note that is rather long',
      'c',
    ])
  })

  test('cuts the widest column', () => {
    expect(table(rows, columns, { width: 24 }).split('\n')[2]).toBe('bb  1200  a note that i…')
  })

  test('a value cannot move the cursor or hide text', () => {
    const [, line] = table([{ id: '\u001b[2Jx\u202ey\nz', n: 1, note: '' }], columns).split('\n')
    expect(line).toBe('xy z  1')
  })

  test('every line fits, whatever the values', () => {
    const row = fc.record({ id: fc.string({ unit: 'grapheme' }), n: fc.nat(), note: fc.string({ unit: 'grapheme' }) })
    const property = fc.property(fc.array(row), fc.integer({ min: 30, max: 80 }), (some, width) =>
      table(some, columns, { width })
        .split('\n')
        .every((line) => textWidth(line) <= width && line === line.trimEnd()),
    )
    fc.assert(property)
  })

  test('wide characters take two columns', () => {
    expect([textWidth('日本'), textWidth('é'), textWidth('🚀'), truncate('日本語', 4)]).toEqual([4, 1, 2, '日…'])
  })

  test('COLUMNS is the width; without it and without a terminal, nothing is cut', () => {
    expect([terminalWidth({ COLUMNS: '40' }), terminalWidth({ COLUMNS: 'x' })]).toEqual([40, Infinity])
  })

  test('colours what is already padded', () => {
    const styled = [{ ...columns[0]!, style: (cell: string) => `<${cell}>` }, columns[1]!]
    expect(table(rows.slice(0, 2), styled).split('\n')[1]).toBe('<a >     5')
  })
})

test.each([
  ['a\u001b[31mred\u001b[0m', 'ared'],
  ['a\u0000b\u0007c\u009bd', 'abcd'],
  ['user\u202etxt.exe', 'usertxt.exe'],
  ['two\r\nlines\tand', 'two lines and'],
  ['\u001b]0;title\u0007x', 'x'],
  ['plain – text 日本 👩‍💻', 'plain – text 日本 👩‍💻'],
])('safe(%j)', (text, expected) => {
  expect(safe(text)).toBe(expected)
})

test('safeLines keeps line ends and nothing else', () => {
  expect(safeLines('a\u001b[1m\r\nb\n')).toBe('a\nb\n')
})

test.each([
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  [{ FORCE_COLOR: '1' }, true],
  [{ FORCE_COLOR: '0' }, false],
  [{}, false],
])('colour with %j', (env, expected) => {
  expect(wantsColour(-1, env)).toBe(expected)
})

test.each([
  [500, 'now'],
  [-5000, 'now'],
  [61_000, '1m ago'],
  [7_200_000, '2h ago'],
  [200_000_000, '2d ago'],
])('ago %d ms: %s', (ms, expected) => {
  expect(ago(1e12 - ms, 1e12)).toBe(expected)
})

test.each([
  ['brnach', 'branch'],
  ['bran', 'branch'],
  ['xyz', undefined],
  ['a'.repeat(100_000), undefined],
])('nearest to %.10s is %s', (text, expected) => {
  expect(nearest(text, ['branch', 'commit', 'pool'])).toBe(expected)
})
