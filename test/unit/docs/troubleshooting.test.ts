/** docs/troubleshooting.md quotes what is really printed, and leads to what is there. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { isPrinted, quotes } from '#test/helpers/quoted.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const rows = read('docs/troubleshooting.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:you see|---)/.test(line))
  .map((line) => line.slice(2).split(' | '))
/** Not printed by us: the name of the program itself. */
const messages = rows.flatMap(([first]) => quotes(first!)).filter((one) => !['just', 'serve'].includes(one))

describe('messages', () => {
  test('there are many', () => expect(messages.length).toBeGreaterThan(70))
  test.each(rows)('%s: three cells, none empty', (...cells) => {
    expect(cells.map((cell) => cell.replace(/ \|$/, '').trim().length > 1)).toEqual([true, true, true])
  })
  test.each(messages)('%s', (message) => expect(isPrinted(message)).toBe(true))
})

/** As GitHub names the headings of a page. */
const anchors = (markdown: string): string[] =>
  [...markdown.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe('links of documents', () => {
  const links = ['README.md', ...globSync('docs/*.md', { cwd: root })].flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, to]) => [file, to!] as const),
  )
  test.each(links)('%s → %s', (file, to) => {
    const [path = '', anchor] = to.split('#')
    const target = path ? join(dirname(file), path) : file
    expect(existsSync(join(root, target)), target).toBe(true)
    if (anchor !== undefined) expect(anchors(read(target))).toContain(anchor)
  })
  test('README leads to each of them', () => {
    const readme = read('README.md')
    expect(globSync('docs/*.md', { cwd: root }).filter((file) => !readme.includes(`(${file})`))).toEqual([])
  })
})
