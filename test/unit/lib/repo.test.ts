import { homedir } from 'node:os'
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { UsageError } from '#lib/errors.ts'
import { parseRepo, verifyBranch, verifyCommit } from '#lib/repo.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'

test.for([
  ['https://github.com/raibid/hello.git', 'http', 'github.com', 'raibid/hello'],
  ['http://localhost:3000/a/b/c', 'http', 'localhost:3000', 'b/c'],
  ['ssh://git@host:2222/owner/name.git', 'ssh', 'host:2222', 'owner/name'],
  ['git@github.com:owner/name.git', 'ssh', 'github.com', 'owner/name'],
  ['host:name', 'ssh', 'host', 'name'],
  ['git@[::1]:owner/name', 'ssh', '[::1]', 'owner/name'],
] as const)('%s', ([text, kind, host, name]) => {
  expect(parseRepo(text)).toEqual({ url: text, kind, host, name })
})

test.for([
  ['/no/such/folder', '/no/such/folder', 'folder'],
  ['file:///no/such/a%20b.git', '/no/such/a b.git', 'a b'],
  ['../x', '/no/x', 'x'],
  ['./a:b', '/no/such/a:b', 'a:b'],
  ['~/x', join(homedir(), 'x'), 'x'],
  ['/no/such/folder/.git', '/no/such/folder/.git', 'folder'],
] as const)('%s is the path %s', ([text, url, name]) => {
  expect(parseRepo(text, '/no/such')).toEqual({ url, kind: 'path', host: '', name })
})

test('a path that exists is made real', () => {
  const { path, remove } = tmpFolder()
  onTestFinished(remove)
  mkdirSync(join(path, 'real'))
  symlinkSync('real', join(path, 'link'))
  expect(parseRepo('link', path).url).toBe(join(realpathSync(path), 'real'))
})

test.for([
  'ext::sh -c touch% /tmp/x',
  'ext://x',
  'git://host/x',
  'ftp://host/x',
  'fd::3',
  'javascript:alert(1)//\u0000',
  '--upload-pack=touch /tmp/x',
  '-x',
  '',
  '  ',
  'a\nb',
  'https://host/a\u0000b',
  'https://host/a\u001b[31m',
  'https://host/x%0aHost: y',
  'https://',
  'https://host/x?token=1',
  'ssh://-oProxyCommand=touch/x',
  'ssh://%2doProxyCommand=touch/x',
  'ssh://-l@host/x',
  '-oProxyCommand=touch@host:x',
  'git@-oProxyCommand=touch:x',
  'host:-x',
  'git@host:',
  'file://otherhost/x',
  'file:///a%00b',
])('%j is refused', (text) => {
  expect(() => parseRepo(text)).toThrow(UsageError)
})

test.for([
  'https://user:s3cr3t@host/a/b',
  'https://s3cr3t@host/a',
  'http://a:s3cr3t@',
  'ssh://git:s3cr3t@host/x',
  'foo://u:s3cr3t@host/\n',
])('the password in %s is refused and not repeated', (text) => {
  expect(() => parseRepo(text)).toThrow(
    expect.objectContaining({ name: 'UsageError', message: expect.not.stringContaining('s3cr3t') }),
  )
})

test('a name of more than 1024 characters is refused', () => {
  expect(() => parseRepo('x'.repeat(1025))).toThrow('1025 characters')
})

test('it says where credentials belong', () => {
  expect(() => parseRepo('https://a:b@host/x')).toThrow(/RAIBID_GIT_CREDENTIALS/)
})

test.for(['main', 'feature/x', 'a.b', 'ünï', 'a@b', 'x-y_z', '1', '$(touch)'])('%j is a branch', (text) => {
  expect(verifyBranch(text)).toBe(text)
})

test.for([
  ...[
    '--upload-pack=touch /tmp/x',
    '-x',
    '',
    'a b',
    'a..b',
    'a//b',
    '/a',
    'a/',
    'a.',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    '@',
    'a@{b',
  ],
  ...['a~b', 'a^b', 'a:b', 'a?b', 'a*b', 'a[b', 'a\\b', 'a\nb', 'a\u0000b', 'a\u007fb', 'ü'.repeat(128), 'a\ud800'],
])('%j is not a branch', (text) => {
  expect(() => verifyBranch(text)).toThrow(UsageError)
})

test('a commit is a full object id', () => {
  expect(verifyCommit('ABCDEF0123'.repeat(4))).toBe('abcdef0123'.repeat(4))
  expect(verifyCommit('a'.repeat(64))).toBe('a'.repeat(64))
  for (const bad of ['', 'abc', 'g'.repeat(40), 'a'.repeat(41), `${'a'.repeat(40)}\n`, '--upload-pack=x']) {
    expect(() => verifyCommit(bad)).toThrow(UsageError)
  }
})
