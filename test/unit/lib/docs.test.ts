import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Spec } from '#lib/cli/args.ts'
import { checkYaml } from '#lib/yaml-file.ts'
import { configSchema } from '#lib/config-schema.ts'
import { loadConfig, root } from '#lib/config.ts'
import { env, exitCodes, files } from '#lib/contract.ts'
import { configTable, envTable, parseJustfile, splice } from '#lib/docs.ts'
import { renderReadme } from '../../../tasks/check/docs.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const recipes = parseJustfile(read('justfile'))

describe('the justfile', () => {
  test.each(recipes.filter(({ task }) => task))(
    '$name runs the task of its name and group, with its summary',
    async ({ name, group, doc, task }) => {
      expect(task).toBe(`tasks/${group}/${name}.ts`)
      expect(existsSync(join(root, task!)), `${task} exists`).toBe(true)
      const { spec } = (await import(join(root, task!))) as { spec: Spec }
      expect(spec).toMatchObject({ name, group })
      // After a colon: an example.
      expect(doc.split(': just ')[0]).toBe(spec.summary)
    },
  )

  test('has a recipe for every task', () => {
    expect(recipes.flatMap(({ task }) => task ?? []).sort()).toEqual(globSync('tasks/**/*.ts', { cwd: root }).sort())
  })

  test.each(recipes)('$name has a comment and a group', ({ doc, group }) => {
    expect([doc.length > 10, group.length > 0]).toEqual([true, true])
  })
})

describe('the README', () => {
  test('is what the specs, the schema and the contract make it (else: just docs)', async () => {
    expect(await renderReadme()).toBe(read('README.md'))
  })

  test('names every file and exit code of the contract', () => {
    const readme = read('README.md')
    expect(Object.values(files).filter((file) => !readme.includes(`\`${file}\``))).toEqual([])
    expect(Object.values(exitCodes).filter((code) => !readme.includes(`\n| ${code} |`))).toEqual([])
  })
})

describe('the examples', () => {
  test('raibid.example.yaml is valid and shows every key', async () => {
    const text = read('raibid.example.yaml')
    expect(checkYaml(text, 'raibid.example.yaml', configSchema).problems).toEqual([])
    const { z } = await import('zod')
    const names = configTable(z.toJSONSchema(configSchema, { io: 'input' }) as object).match(/(?<=\.|`)\w+(?=`)/g) ?? []
    expect(names.length).toBeGreaterThan(8)
    expect(names.filter((name) => !new RegExp(`^[ -]*${name}:`, 'm').test(text))).toEqual([])
  })

  test('raibid.example.yaml loads', async () => {
    const config = await loadConfig({ env: { RAIBID_CONFIG: 'raibid.example.yaml' } })
    expect(config.pools['default']).toEqual({ max: 4, warm: 1 })
  })

  test('.env.example names only variables that exist', () => {
    const named = [...read('.env.example').matchAll(/^#?(RAIBID_\w+)=/gm)].map(([, name]) => name)
    expect(named.filter((name) => !(Object.values(env) as string[]).includes(name!))).toEqual([])
  })
})

describe('the pieces', () => {
  test('recipes are read as just writes them', () => {
    const text =
      "root := justfile_directory()\n\n# Do it: just x\n[group('g')]\n[no-cd]\nx *args: setup\n    node '{{ root }}/tasks/g/x.ts' \"$@\"\n\n_private:\n    true\n"
    expect(parseJustfile(text)).toEqual([{ name: 'x', group: 'g', doc: 'Do it: just x', task: 'tasks/g/x.ts' }])
  })

  test('variables are read with the comment above them', () => {
    const source = "export const env = {\n  /** A | B. */\n  a: 'RAIBID_A',\n  b: 'RAIBID_B',\n} as const"
    expect(envTable(source, 'env').split('\n').slice(2)).toEqual(['| `RAIBID_A` | A \\| B. |', '| `RAIBID_B` |  |'])
  })

  test('splice puts text between its marks, as it is', () => {
    expect(splice('a\n<!-- x -->\nold\n<!-- /x -->\nb', { x: '$& $1' })).toBe('a\n<!-- x -->\n\n$& $1\n\n<!-- /x -->\nb')
    expect(() => splice('a', { x: '' })).toThrow('no <!-- x -->')
  })
})
