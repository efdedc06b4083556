import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { applyPatch } from '#lib/cluster/json-patch.ts'
import { kustomization } from '#lib/cluster/kustomization-schema.ts'
import { root } from '#lib/config.ts'

const folder = join(root, 'manifests')
const files = globSync('**/*.yaml', { cwd: folder }).sort()
const lists = files.filter((file) => file.endsWith('kustomization.yaml'))
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const listed = (file: string) => {
  const { resources, components } = kustomization.parse(parseAllDocuments(read(file))[0]!.toJS())
  return [...resources, ...components].map((name) => relative(folder, join(folder, dirname(file), name)))
}

describe('the files of manifests/', () => {
  test.each(files)('%s holds one object, in 60 lines at the most', (file) => {
    expect(parseAllDocuments(read(file))).toHaveLength(1)
    expect(read(file).trim().split('\n').length).toBeLessThanOrEqual(60)
  })

  test('every one is named by a kustomization, and every name is there', () => {
    const named = new Set(lists.flatMap(listed))
    const known = new Set([...files, ...lists.map((file) => dirname(file))])
    expect([...named].filter((name) => !known.has(name))).toEqual([])
    const entries = ['overlays/spark', 'overlays/dev']
    const unnamed = files.filter((file) => !named.has(file) && !named.has(dirname(file)) && !entries.includes(dirname(file)))
    expect(unnamed).toEqual([])
  })
})

describe('a patch', () => {
  const document = { spec: { list: [1, 2], a: { 'x/y': 1 } } }
  test.each([
    [{ op: 'replace', path: '/spec/list/1', value: 3 }, { spec: { list: [1, 3], a: { 'x/y': 1 } } }],
    [{ op: 'add', path: '/spec/list/-', value: 3 }, { spec: { list: [1, 2, 3], a: { 'x/y': 1 } } }],
    [{ op: 'add', path: '/spec/list/0', value: 0 }, { spec: { list: [0, 1, 2], a: { 'x/y': 1 } } }],
    [{ op: 'add', path: '/spec/b', value: {} }, { spec: { list: [1, 2], a: { 'x/y': 1 }, b: {} } }],
    [{ op: 'remove', path: '/spec/list/0' }, { spec: { list: [2], a: { 'x/y': 1 } } }],
    [{ op: 'remove', path: '/spec/a/x~1y' }, { spec: { list: [1, 2], a: {} } }],
  ])('%j', (operation, expected) => {
    expect(applyPatch(document, [operation])).toEqual(expected)
    expect(document.spec.list).toEqual([1, 2])
  })

  test('of something that is not there is an error', () => {
    expect(() => applyPatch(document, [{ op: 'replace', path: '/spec/none', value: 1 }])).toThrow('nothing at /spec/none')
    expect(() => applyPatch(document, [{ op: 'remove', path: '/none/list' }])).toThrow('nothing at /none/list')
    expect(() => applyPatch(document, [{ op: 'move', path: '/spec', from: '/a' }])).toThrow()
  })
})
