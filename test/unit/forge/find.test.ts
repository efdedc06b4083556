import { expect, test } from 'vitest'
import type { Forge } from '#lib/config.ts'
import { findForge } from '#lib/forge/find.ts'
import { apiOf } from '#lib/forge/github-api.ts'
import { hookRepository } from '#lib/forge/hooked.ts'
import { placeOf } from '#lib/forge/listing/place.ts'
import { targetsOf } from '#lib/server/status/target.ts'

const forge = (kind: Forge['kind'], url: string, ...aliases: string[]): Forge => ({ kind, url, aliases, token: () => 'x' })
const forges = [
  forge('gitea', 'http://127.0.0.1:3000', 'https://git.example'),
  forge('gitea', 'https://box.example/git'),
  forge('github', 'https://github.com'),
]

test.each([
  ['http://127.0.0.1:3000/ci/app.git', '127.0.0.1:3000 ci/app'],
  ['https://git.example/ci/app', '127.0.0.1:3000 ci/app'],
  ['https://GIT.example:443/ci/app/', '127.0.0.1:3000 ci/app'],
  ['ssh://git@git.example:2222/ci/app.git', '127.0.0.1:3000 ci/app'],
  ['git@git.example:ci/app.git', '127.0.0.1:3000 ci/app'],
  ['https://box.example/git/ci/app', 'box.example/git ci/app'],
  ['https://github.com/raibid/app.js', 'github.com raibid/app.js'],
  ['https://box.example/ci/app', null],
  ['https://box.example/gitty/ci/app', null],
  ['http://127.0.0.1:3001/ci/app', null],
  ['https://github.com/raibid', null],
  ['https://github.com/raibid/app/tree/main', null],
  ['https://github.com/raibid/%2e%2e', null],
  ['https://github.com.evil.example/raibid/app', null],
  ['/srv/app', null],
  ['https://me:hush@github.com/raibid/app', null],
])('%s → %s', (repo, expected) => {
  const found = findForge(forges, repo)
  expect(found && `${found.forge.url.replace(/^https?:\/\//, '')} ${found.owner}/${found.name}`).toBe(expected)
})

test('a mirror has two places to be told of; what only stands for another is told of there', () => {
  const places = (repo: string, githubOf?: string, origin?: string) =>
    targetsOf({ repo, ...(origin && { origin }) }, forges, () => githubOf).map(
      ({ forge: { kind }, owner, name }) => `${kind} ${owner}/${name}`,
    )
  const repo = 'https://git.example/ci/app'
  expect(places(repo)).toEqual(['gitea ci/app'])
  expect(places(repo, 'raibid/app')).toEqual(['gitea ci/app', 'github raibid/app'])
  expect(places(repo, '../app')).toEqual(['gitea ci/app'])
  expect(places('https://github.com/raibid/app', 'raibid/app')).toEqual(['github raibid/app'])
  expect(places('/snapshots/1', undefined, repo)).toEqual(['gitea ci/app'])
  expect(places('/srv/app')).toEqual([])
})

test('a GitLab is no place to build from or to tell, but one to mirror from, with all its groups', () => {
  const lab = [...forges, forge('gitlab', 'https://lab.example/git', 'https://lab.alias')]
  const repo = 'https://lab.example/git/group/sub/app.git'
  expect(findForge(lab, repo)).toBeNull()
  expect(targetsOf({ repo: 'https://lab.example/git/group/app' }, lab)).toEqual([])
  expect(placeOf(repo, lab)).toEqual({ forge: 'gitlab', url: 'https://lab.example/git', path: 'group/sub/app' })
})

test.each([
  ['https://github.com/raibid/app.git', 'github https://github.com raibid/app'],
  ['git@github.com:raibid/app.git', 'github https://github.com raibid/app'],
  ['https://gitlab.com/a/b/c/d', 'gitlab https://gitlab.com a/b/c/d'],
  ['git@gitlab.com:a/b/c.git', 'gitlab https://gitlab.com a/b/c'],
  ['http://127.0.0.1:3000/ci/app', 'gitea http://127.0.0.1:3000 ci/app'],
  ['https://github.com/a/b/c', null],
  ['https://gitlab.com/a', null],
  ['https://gitlab.com/a/../b', null],
  ['https://gitlab.com.evil.example/a/b', null],
  ['https://me:hush@gitlab.com/a/b', null],
  ['/srv/app', null],
  ['nonsense', null],
])('where %s is', (repo, expected) => {
  const place = placeOf(repo, forges)
  expect(place && `${place.forge} ${place.url} ${place.path}`).toBe(expected)
})

test('a webhook on a GitLab is refused, with what to do', async () => {
  const wish = { address: 'http://serve', secret: 'x', remove: false, test: false, renew: false }
  await expect(
    hookRepository([...forges, forge('gitlab', 'https://lab.example')], 'https://lab.example/g/app.git', wish),
  ).rejects.toThrow(
    'https://lab.example/g/app.git is on GitLab, which is a source of mirrors only: put the webhook on its mirror at your Gitea',
  )
})

test.each([
  ['https://github.com', 'https://api.github.com'],
  ['https://GitHub.com', 'https://api.github.com'],
  ['https://octocorp.ghe.com', 'https://api.octocorp.ghe.com'],
  ['https://ghe.example', 'https://ghe.example/api/v3'],
  ['https://github.com.evil.example', 'https://github.com.evil.example/api/v3'],
])('programs talk to %s at %s', (url, expected) => {
  expect(apiOf(url)).toBe(expected)
})
