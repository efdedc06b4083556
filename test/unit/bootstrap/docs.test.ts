import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { presets } from '#lib/cluster/presets.ts'
import { root } from '#lib/config.ts'
import { at } from '#lib/cluster/k3s/files.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const text = read('docs/bootstrap.md')
const traps = text
  .slice(text.indexOf('## Traps'))
  .split('\n')
  .filter((line) => /^\| (?!trap|---)/.test(line))
  .map((line) => line.split(' | '))

describe('docs/bootstrap.md', () => {
  test('has traps', () => expect(traps.length).toBeGreaterThan(20))

  test.each(traps.map((cells) => [cells[0]!.slice(2), cells.at(-1)!]))('%s: its tests exist', (_, cell) => {
    const named = [...cell.matchAll(/`([\w/-]+)` "([^"]+)"/g)]
    expect(named.length).toBeGreaterThan(0)
    for (const [, file, title] of named) {
      const path = `test/${file}.test.ts`
      expect(existsSync(join(root, path)), path).toBe(true)
      // as a title, not anywhere
      const titles = [
        ...read(path).matchAll(
          /(?:test|describe|it)(?:\.\w+)*\([^'`]*?['`]([^\n]+?)['`],|\)\(\s*['`]([^\n]+?)['`],|^\s+\[\s*'([^']+)'/gm,
        ),
      ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
      expect(
        titles.some((one) => one.includes(title!)),
        `${path} has a test "${title}"`,
      ).toBe(true)
    }
  })

  test.each(Object.entries(presets))('the preset %s is as the table says', (name, { volumes, agent, reserve }) => {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))!
    const sizes = Object.values(volumes).map((size) => size.replace('Gi', ''))
    expect(row).toContain(`${sizes.join(', ')} GiB`)
    expect(row).toContain(`${agent.cpu === '500m' ? '0.5' : agent.cpu} cores, ${agent.memory.replace('Gi', '')} GiB |`)
    expect(row).toContain(`${reserve.share * 100} %`)
  })

  test('names the folder of the volumes', () => expect(text).toContain(at.volumes))
})
