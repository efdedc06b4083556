import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { repositoryPolicies, type RepositoryPolicy } from '#lib/config-repositories.ts'
import type { ForgeEvent, Push } from '#lib/server/hooks/event.ts'
import { readPayload } from '#lib/server/hooks/payload.ts'
import { decide } from '#lib/server/hooks/policy.ts'
import { isSigned } from '#lib/server/hooks/signature.ts'

const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
const repository = { full_name: 'me/app', clone_url: 'https://git.example.org/me/app.git', default_branch: 'main' }
const commit = (files: string[], message = 'change it') => ({
  id: b,
  message,
  timestamp: '2026-11-21T10:00:00Z',
  author: { username: 'me' },
  added: files,
  removed: [],
  modified: [],
})
const pushed = (more: object = {}) => ({
  ref: 'refs/heads/main',
  before: a,
  after: b,
  commits: [commit(['src/x.rs'])],
  head_commit: commit(['src/x.rs']),
  total_commits: 1,
  repository,
  pusher: { login: 'me' },
  ...more,
})
const pulled = (more: object = {}, head: object = {}) => ({
  action: 'opened',
  number: 7,
  pull_request: {
    title: 'Mend it',
    user: { login: 'you' },
    head: { ref: 'topic', sha: b, repo: repository, ...head },
    base: { ref: 'main', sha: a, repo: repository },
  },
  repository,
  ...more,
})
const fork = { repo: { full_name: 'you/app', clone_url: 'https://git.example.org/you/app.git', default_branch: 'main' } }

describe('a signature', () => {
  const body = Buffer.from('{"ref":"ü"}')
  const sign = (secret: string): string => createHmac('sha256', secret).update(body).digest('hex')
  test.each<[string, string | undefined, string[], boolean]>([
    ['right, as Gitea sends it', sign('new secret'), ['new secret'], true],
    ['right, as GitHub sends it', `sha256=${sign('new secret')}`, ['new secret'], true],
    ['of the secret that is being replaced', sign('old secret'), ['new secret', 'old secret'], true],
    ['of another secret', sign('x'), ['new secret', 'old secret'], false],
    ['missing', undefined, ['new secret'], false],
    ['empty', '', ['new secret'], false],
    ['half', sign('new secret').slice(0, 32), ['new secret'], false],
    ['of another kind', `sha1=${sign('new secret')}`, ['new secret'], false],
    ['when there is no secret', sign(''), [], false],
    ['when the secret is empty', sign(''), [''], false],
  ])('%s', (_, given, secrets, valid) => expect(isSigned(body, given, secrets)).toBe(valid))
})

describe('a payload', () => {
  const read = (name: string, body: unknown): ForgeEvent | string => readPayload('gitea', name, body)

  test('a push', () => {
    expect(read('push', pushed())).toEqual({
      kind: 'push',
      repo: { forge: 'gitea', name: 'me/app', url: repository.clone_url, defaultBranch: 'main' },
      ref: { kind: 'branch', name: 'main' },
      ...{ commit: b, before: a, forced: false, message: 'change it', author: 'me' },
      ...{ commitAt: Date.parse('2026-11-21T10:00:00Z'), files: ['src/x.rs'] },
    })
  })

  test('a tag is built at the commit that it names, not at its own object', () => {
    expect(read('push', pushed({ ref: 'refs/tags/v1/rc', after: a, commits: [] }))).toMatchObject({
      ref: { kind: 'tag', name: 'v1/rc' },
      commit: b,
    })
  })

  test.each<[string, object]>([
    ['a new branch', { before: '0'.repeat(40) }],
    ['forced', { forced: true }],
    ['more commits than are listed', { total_commits: 30 }],
    ['as many as are ever listed', { commits: Array.from({ length: 20 }, () => commit([])) }],
    ['a list that is missing', { commits: [{ ...commit([]), added: null }] }],
  ])('its changed files are not known: %s', (_, more) => expect(read('push', pushed(more))).toMatchObject({ files: null }))

  test.each<[string, string, unknown]>([
    ['ping', 'ping', {}],
    ['issues', 'issues', {}],
    ['a deleted branch', 'push', pushed({ after: '0'.repeat(40) })],
    ['a deleted branch, as GitHub says it', 'push', pushed({ deleted: true })],
    ['notes', 'push', pushed({ ref: 'refs/notes/x' })],
    ['a closed pull request', 'pull_request', pulled({ action: 'closed' })],
    ['a pull request whose fork is gone', 'pull_request', pulled({}, { repo: null })],
  ])('starts nothing, with a reason: %s', (_, name, body) =>
    expect(read(name, body)).toMatchObject({ kind: 'none', reason: expect.stringMatching(/\w/) as string }),
  )

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['a number for the ref', pushed({ ref: 1 })],
    ['no repository', { ...pushed(), repository: undefined }],
    ['a ref without end', pushed({ ref: `refs/heads/${'x'.repeat(10_000)}` })],
    ['commits that are a text', pushed({ commits: 'x' })],
  ])('is refused in words: %s', (_, body) => expect(typeof read('push', body)).toBe('string'))

  test('what is shown of it holds no control characters', () => {
    const event = read(
      'push',
      pushed({ head_commit: { ...commit([]), message: `\u001b[31mred\u0000\nsecond line`, author: { username: 'x\u0007' } } }),
    ) as Push
    expect([event.message, event.author]).toEqual(['[31mred', 'x'])
  })
})

describe('the policy', () => {
  const policy = (more: Partial<RepositoryPolicy> = {}): RepositoryPolicy[] => [
    { ...repositoryPolicies(undefined, [], [])[0]!, ...more },
  ]
  const push = (more: Partial<Push> = {}): Push => ({ ...(readPayload('gitea', 'push', pushed()) as Push), ...more })
  const what = (event: ForgeEvent, policies: RepositoryPolicy[]) => {
    const decision = decide(event, policies)
    return decision.do === 'build' ? 'build' : decision.do === 'sync' ? `sync ${decision.mirror}` : decision.reason
  }

  test.each<[string, ForgeEvent, RepositoryPolicy[], string]>([
    ['without entries everything is built', push(), policy(), 'build'],
    ['a tag only where tags are named', push({ ref: { kind: 'tag', name: 'v1' } }), policy(), 'the tag v1 is not built: none is'],
    ['a tag that is named', push({ ref: { kind: 'tag', name: 'v1' } }), policy({ tags: ['v*'] }), 'build'],
    ['another branch', push(), policy({ branches: ['release/*'] }), 'the branch main is not built: release/*'],
    ['another repository', push(), policy({ match: 'myorg/*' }), 'no entry of repositories in raibid.yaml is for me/app'],
    ['not enabled', push(), policy({ enabled: false }), 'me/app is not enabled in raibid.yaml'],
    ['[skip ci]', push({ message: 'docs [skip ci]' }), policy(), 'its commit says [skip ci]'],
    ['no file that matters', push(), policy({ paths: ['docs/**'] }), 'no changed file is one of docs/**'],
    ['a file that matters', push(), policy({ paths: ['src/**'] }), 'build'],
    ['files that are not known', push({ files: null }), policy({ paths: ['docs/**'] }), 'build'],
    [
      'mirrored, and pushed to GitHub',
      push({ repo: { ...push().repo, forge: 'github' } }),
      policy({ mirror: 'm/app' }),
      'sync m/app',
    ],
    ['mirrored, and pushed by the mirror', push(), policy({ mirror: 'm/app' }), 'build'],
  ])('%s', (_, event, policies, wanted) => expect(what(event, policies)).toBe(wanted))

  test('the first entry that matches holds', () => {
    expect(what(push(), [...policy({ match: 'me/*', enabled: false }), ...policy()])).toMatch(/not enabled/)
  })

  test('a pull request from a fork is held, gets no secrets, and stands for the repository', () => {
    const event = readPayload('gitea', 'pull_request', pulled({}, fork)) as ForgeEvent
    expect(decide(event, policy({ secrets: ['TOKEN'] }))).toMatchObject({
      do: 'build',
      spec: { repo: fork.repo.clone_url, origin: repository.clone_url, fork: true, secrets: [], commit: b, branch: 'topic' },
      options: { hold: expect.stringContaining('pull request #7 of you, from a fork') as string, report: true },
    })
    expect(what(event, policy({ forks: 'ignore' }))).toMatch(/from forks are not built/)
  })

  test('one from the repository itself is the build that its push is', () => {
    const pull = decide(readPayload('gitea', 'pull_request', pulled()) as ForgeEvent, policy({ secrets: ['TOKEN'] }))
    const same = decide(push({ ref: { kind: 'branch', name: 'topic' } }), policy({ secrets: ['TOKEN'] }))
    expect(pull).toMatchObject({ do: 'build', spec: (same as { spec: object }).spec })
  })

  test.each<['queue' | 'supersede' | 'cancel-running', boolean, boolean]>([
    ['queue', false, false],
    ['supersede', true, false],
    ['cancel-running', true, true],
  ])('concurrency %s', (concurrency, supersede, cancelRunning) => {
    expect(decide(push(), policy({ concurrency }))).toMatchObject({ options: { supersede }, cancelRunning })
  })
})
