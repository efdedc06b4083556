import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { beforeEach, expect, test } from 'vitest'
import { loadConfig } from '#lib/config.ts'

let home: string
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'forges-'))))
const load = (yaml: string, env: NodeJS.ProcessEnv = {}) => {
  writeFileSync(join(home, 'r.yaml'), yaml)
  return loadConfig({ env: { RAIBID_HOME: home, RAIBID_CONFIG: join(home, 'r.yaml'), ...env } })
}
const two = 'forges:\n  - { kind: gitea, url: "http://a.example/" }\n  - { kind: gitea, url: "http://b.example:3000/git" }\n'

test('forges as raibid.yaml has them, without a slash at the end; a configuration that is printed shows no token', async () => {
  const config = await load(`${two}  - { kind: github }\npublicUrl: https://ci.example/\n`, { RAIBID_GITHUB_TOKEN: 'hush' })
  expect(config.forges.map(({ kind, url }) => `${kind} ${url}`)).toEqual([
    'gitea http://a.example',
    'gitea http://b.example:3000/git',
    'github https://github.com',
  ])
  expect(config.publicUrl).toBe('https://ci.example')
  expect(config.forges[2]!.token()).toBe('hush')
  expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('hush')
})

test('a token for GitHub or GitLab makes it a forge; one for Gitea needs an address first', async () => {
  const { forges } = await load('', { RAIBID_GITHUB_TOKEN: 'x', RAIBID_GITEA_TOKEN: 'y', RAIBID_GITLAB_TOKEN: 'z' })
  expect(forges.map(({ url, token }) => [url, token()])).toEqual([
    ['https://github.com', 'x'],
    ['https://gitlab.com', 'z'],
  ])
})

test('a GitLab of one’s own', async () => {
  const { forges } = await load('forges: [{ kind: gitlab, url: "https://lab.example/git/" }]', { RAIBID_GITLAB_TOKEN: 'z' })
  expect(forges.map(({ kind, url }) => `${kind} ${url}`)).toEqual(['gitlab https://lab.example/git'])
})

test('a token in a file is read when it is asked for, so that a new one is seen', async () => {
  const path = join(home, 'token')
  const { forges } = await load(`forges: [{ kind: gitea, url: "http://a.example", tokenFile: ${path} }]`)
  expect(() => forges[0]!.token()).toThrow(`there is no file ${path}`)
  writeFileSync(path, 'one\n', { mode: 0o600 })
  expect(forges[0]!.token()).toBe('one')
  writeFileSync(path, 'two\n')
  expect(forges[0]!.token()).toBe('two')
  chmodSync(path, 0o640)
  expect(() => forges[0]!.token()).toThrow('other users may read')
})

test('what is no token is refused without being shown; without one, what to do is said', async () => {
  const { forges } = await load('', { RAIBID_GITHUB_TOKEN: 'hush\nhush' })
  expect(() => forges[0]!.token()).toThrow('RAIBID_GITHUB_TOKEN does not hold a token: one word of at most 1024 characters')
  const without = await load('forges: [{ kind: gitea, url: "http://a.example" }]')
  expect(() => without.forges[0]!.token()).toThrow('there is no token for http://a.example: set RAIBID_GITEA_TOKEN, or')
})

test.each([
  ['forges: [{ kind: forgejo }]', 'forges[0].kind: "forgejo" is not a kind of forge: gitea, github or gitlab'],
  ['forges: [{ kind: gitea }]', 'forges[0].url: is missing'],
  ['forges: [{ kind: gitea, url: "http://me:hush@h" }]', 'is not an address such as https://git.example'],
  ['forges: [{ kind: gitea, url: "ftp://h" }]', 'is not an address such as'],
  ['forges: [{ kind: github }, { kind: github, url: "https://github.com/" }]', 'forges: https://github.com is there twice'],
  ['publicUrl: ci.example', 'publicUrl: "ci.example" is not an address such as'],
])('%s', async (yaml, expected) => {
  await expect(load(yaml)).rejects.toThrow(expected)
})

test('the token of the environment is for one server, not for each', async () => {
  await expect(load(two, { RAIBID_GITEA_TOKEN: 'x', RAIBID_PUBLIC_URL: 'x' })).rejects.toThrow(
    'RAIBID_GITEA_TOKEN: there are 2 forges of the kind gitea, so each needs a tokenFile of its own\nRAIBID_PUBLIC_URL: is not an address',
  )
})
