import { expect, test } from 'vitest'
import { branchTag, imagePath, parseRegistry } from '#lib/registry/name.ts'

test.each([
  ['https://git.example/Raibid-Labs/My.App.git', 'raibid-labs/my.app'],
  ['git@git.example:owner/name', 'owner/name'],
  ['https://git.example/group/sub/name', 'sub/name'],
  ['https://git.example/name', 'local/name'],
  ['/srv/repos/hello', 'local/hello'],
])('the image of %s is %s', (repo, path) => expect(imagePath(repo)).toBe(path))

test.each([
  'https://git.example/own er/n',
  'https://git.example/o/-name',
  'https://git.example/o/a..b',
  'https://git.example/%2e/ü',
  '/srv/a b',
])('%s can be no image', (repo) => expect(() => imagePath(repo)).toThrow(/can't be the name of an image/))

test.each([
  ['main', 'main'],
  ['release/1.2', 'release-1.2'],
  ['.hidden', 'hidden'],
  ['ünïcode/x', 'n-code-x'],
  ['latest', 'branch-latest'],
  ['a'.repeat(40), `branch-${'a'.repeat(40)}`],
  ['ü', expect.stringMatching(/^branch-[0-9a-f]{8}$/) as unknown as string],
  ['x'.repeat(200), expect.stringMatching(/^x{119}-[0-9a-f]{8}$/) as unknown as string],
])('the tag of the branch %s is %s', (branch, tag) => {
  expect(branchTag(branch)).toEqual(tag)
  expect(branchTag(branch)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)
})

test.each([
  ['git.example', { host: 'git.example', insecure: false }],
  ['https://Git.example:5000/', { host: 'git.example:5000', insecure: false }],
  ['http://127.0.0.1:5000', { host: '127.0.0.1:5000', insecure: true }],
  ['http://me:secret@git.example', null],
  ['git.example/owner', null],
  ['-o', null],
])('the registry %s', (text, registry) => expect(parseRegistry(text)).toEqual(registry))
