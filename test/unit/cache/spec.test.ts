import { expect, test } from 'vitest'
import { keyOf } from '#lib/cache/key.ts'
import { keyProblem, languagesOf, overlapping, pathProblem, sharedFolders } from '#lib/cache/spec.ts'

test.each(['target', 'a/b/c', '..x', 'x..', '.venv', 'a b', '-rf', '.github', ...sharedFolders])('%j may be cached', (path) => {
  expect(pathProblem(path)).toBe(null)
})

test.each([
  ['..', 'leaves'],
  ['a/../../b', 'leaves'],
  ['/etc', 'absolute'],
  ['', 'empty part'],
  ['./target', 'the part "."'],
  ['a//b', 'empty part'],
  ['.git', '.git'],
  ['sub/.git/hooks', '.git'],
  ['target/*', 'pattern'],
  ['x'.repeat(201), 'longer'],
  ['~', 'share'],
  ['~/.ssh', 'share'],
  ['~root/.npm', 'share'],
  ['~/.npm/', 'share'],
  ['~/.cargo/registry/../../.ssh', 'share'],
])('%j may not', (path, why) => {
  expect(pathProblem(path)).toContain(why)
})

test('key files lie in the repository', () => {
  expect(keyProblem('**/Cargo.lock')).toBe(null)
  for (const name of ['../x', '/etc/passwd', '~/.netrc', '.git/HEAD']) expect(keyProblem(name)).not.toBe(null)
})

test('paths that lie in each other', () => {
  expect(overlapping(['a', 'ab', 'b/a'])).toBe(undefined)
  expect(overlapping(['a', 'a/b'])).toBe('a/b')
  expect(overlapping(['a/b', 'a'])).toBe('a/b')
  expect(overlapping(['a', 'b', 'a'])).toBe('a')
})

test.each([
  [['Cargo.lock'], ['target'], ['rust']],
  [['sub/package-lock.json'], ['sub/node_modules'], ['node']],
  [['uv.lock'], ['.venv'], ['python']],
  [['**/go.sum'], ['~/go/pkg/mod'], ['go']],
  [['x'], ['y'], []],
  [['Cargo.lock', 'package-lock.json'], ['build'], ['rust', 'node']],
])('%j, %j speak of %j', (key, paths, languages) => {
  expect(languagesOf({ key, paths })).toEqual(languages)
})

const spec = { key: ['Cargo.lock'], paths: ['target'] }
const files = [{ name: 'Cargo.lock', digest: 'd1' }]
const makers = { os: 'linux', arch: 'arm64', tools: ['rustc: 1.95.0'] }
const base = keyOf(spec, files, makers)

test('another lock file is near; other tools, machines and paths are far', () => {
  const other = keyOf(spec, [{ name: 'Cargo.lock', digest: 'd2' }], makers)
  expect(other.key).not.toBe(base.key)
  expect(other.near).toBe(base.near)
  const far = [
    keyOf(spec, files, { ...makers, arch: 'x64' }),
    keyOf(spec, files, { ...makers, os: 'darwin' }),
    keyOf(spec, files, { ...makers, tools: ['rustc: 1.96.0'] }),
    keyOf({ ...spec, paths: ['target', 'more'] }, files, makers),
  ]
  for (const one of far) expect([one.key === base.key, one.near === base.near]).toEqual([false, false])
})

test('what is no difference: the order of files, shared folders', () => {
  const two = [...files, { name: 'a', digest: 'd' }]
  expect(keyOf(spec, two, makers)).toEqual(keyOf(spec, [...two].reverse(), makers))
  expect(keyOf({ ...spec, paths: ['target', '~/.npm'] }, files, makers)).toEqual(base)
})

test('no two lists of files are taken for each other', () => {
  const key = (...names: [string, string][]) =>
    keyOf(
      spec,
      names.map(([name, digest]) => ({ name, digest })),
      makers,
    ).key
  expect(key(['a', 'b,c'])).not.toBe(key(['a,b', 'c']))
  expect(key(['a', 'x'], ['b', 'y'])).not.toBe(key(['a', 'y'], ['b', 'x']))
})
