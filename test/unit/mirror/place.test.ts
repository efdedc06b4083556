import { describe, expect, test } from 'vitest'
import type { Forge } from '#lib/config.ts'
import { UsageError } from '#lib/errors.ts'
import { cloneAddress, ourGitea, sourceCredential } from '#lib/mirror/place.ts'

const forge = (kind: Forge['kind'], url: string, token = 'secret', aliases: string[] = []): Forge => ({
  kind,
  url,
  aliases,
  token: () => token,
})
const forges = [
  forge('gitea', 'http://git.lan:3000', 'of-gitea'),
  forge('gitea', 'https://second.example/base', 'of-second'),
  forge('gitlab', 'https://gitlab.example', 'of-gitlab'),
  forge('github', 'https://github.com', 'of-github'),
]

test.each([
  ['https://github.com/me/app', 'https://github.com/me/app'],
  ['https://elsewhere.example/x/y/z.git/', 'https://elsewhere.example/x/y/z.git'],
  ['git@github.com:me/app.git', 'https://github.com/me/app.git'],
  ['ssh://git@git.lan:2222/me/app.git', 'http://git.lan:3000/me/app.git'],
  ['git@gitlab.example:group/sub/app.git', 'https://gitlab.example/group/sub/app.git'],
])('%s is cloned from %s', (given, address) => expect(cloneAddress(given, forges)).toBe(address))

test.each([
  ['git@unknown.example:me/app.git', 'Gitea mirrors by http and https only; give its https address'],
  ['/srv/git/app', 'give the URL of a repository, not a folder'],
  ['https://me:secret@github.com/me/app', 'carries credentials'],
])('%s is refused', (given, words) => {
  expect(() => cloneAddress(given, forges)).toThrow(UsageError)
  expect(() => cloneAddress(given, forges)).toThrow(words)
})

describe('what a source asks for', () => {
  const config = { forges, git: { credentials: [{ host: 'Plain.example', user: 'me', token: 'of-plain' }] } }
  test.each([
    ['https://github.com/me/app.git', { host: 'github.com', user: 'x-access-token', token: 'of-github' }],
    ['https://gitlab.example/a/b/c.git', { host: 'gitlab.example', user: 'oauth2', token: 'of-gitlab' }],
    ['http://git.lan:3000/me/app.git', { host: 'git.lan:3000', user: 'oauth2', token: 'of-gitea' }],
    ['https://plain.example/app.git', { user: 'me', token: 'of-plain' }],
    ['https://unknown.example/app.git', null],
    ['git@github.com:me/app.git', null],
  ])('%s', (address, credential) => {
    if (credential) expect(sourceCredential(config, address)).toMatchObject(credential)
    else expect(sourceCredential(config, address)).toBeNull()
  })

  test('a token of one forge is no other host’s', () => {
    for (const host of ['github.com.evil.example', 'git.lan', 'git.lan:3001', 'evil.example'])
      expect(sourceCredential(config, `https://${host}/github.com/app.git`)).toBeNull()
  })
})

test('our Gitea is the first, or the one that is named', () => {
  expect(ourGitea({ forges }).forge.url).toBe('http://git.lan:3000')
  expect(ourGitea({ forges }, 'second.example').forge.url).toBe('https://second.example/base')
  expect(ourGitea({ forges }, 'https://second.example/base/').addressOf({ owner: 'a', name: 'b' })).toBe(
    'https://second.example/base/a/b.git',
  )
  expect(() => ourGitea({ forges }, 'third')).toThrow(
    'is not a Gitea of raibid.yaml; known: http://git.lan:3000, https://second.example/base',
  )
  expect(() => ourGitea({ forges: [] })).toThrow('there is no Gitea to mirror into')
})
