import { afterEach, beforeEach, expect, test } from 'vitest'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { gitea } from '#lib/forge/gitea.ts'
import { github } from '#lib/forge/github.ts'
import { json, startFakeForge, type FakeForge } from '#test/helpers/fake-forge.ts'

const secret = 'hush-hush'
const repo = { owner: 'ci', name: 'app' }
const sha = 'a'.repeat(40)
const status = {
  state: 'success',
  context: 'raibid-ci/auto',
  description: 'passed',
  targetUrl: 'https://ci.example/jobs/1',
} as const
const kinds = [
  ['Gitea', (url: string) => gitea({ url, token: () => secret })],
  ['GitHub', (url: string) => github({ url, token: () => secret }, 0)],
] as const
let forge: FakeForge
beforeEach(async () => void (forge = await startFakeForge()))
afterEach(() => forge.down())

const failure = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => expect.fail('no error'),
    (error: Error) => error,
  )

test.each(kinds)('%s: a status is said with the token in a header, and nowhere else', async (_, client) => {
  await client(forge.url).setStatus(repo, sha, status)
  const [call] = forge.calls
  expect(call!.body).toEqual({
    ...{ state: 'success', context: 'raibid-ci/auto', description: 'passed' },
    target_url: 'https://ci.example/jobs/1',
  })
  expect(call!.headers.authorization).toBe(`token ${secret}`)
  expect(call!.path).toMatch(/^\/api\/v[13]\/repos\/ci\/app\/statuses\/a{40}$/)
})

test.each(
  kinds.flatMap(([title, client]) =>
    (
      [
        [
          401,
          { message: `bad ${secret}` },
          {},
          401,
          `${title} at <url> does not take our token (401: bad ***); give a valid one in`,
        ],
        [403, { message: 'no scope' }, {}, 403, 'does not let our token set the status of ci/app@aaaaaaa (403: no scope)'],
        [403, { message: 'limit' }, { 'x-ratelimit-remaining': '0', 'retry-after': '7' }, 429, 'asks us to wait 7 s'],
        [429, {}, {}, 429, 'asks us to wait 60 s'],
        [404, { message: 'gone\u001b[31m' }, {}, 404, '(404: gone): there is no such thing, or our token may not see it'],
        [422, { message: 'x'.repeat(999) }, {}, 422, `(422: ${'x'.repeat(200)})`],
        [500, {}, {}, 500, 'refused to set the status'],
      ] as const
    ).map(([code, body, headers, expected, text]) => ({ title, client, code, body, headers, expected, text })),
  ),
)('$title answers $code $headers', async ({ client, code, body, headers, expected, text }) => {
  forge.intercept = (_, response) => (json(response, code, body, headers), true)
  const error = await failure(client(forge.url).setStatus(repo, sha, status))
  expect(error).toBeInstanceOf(RefusedError)
  expect((error as RefusedError).status).toBe(expected)
  expect(error.message.replace(forge.url, '<url>')).toContain(text)
  expect(JSON.stringify(error) + String(error.stack)).not.toContain(secret)
})

test.each(kinds)('%s that is away, slow, cut off, or behind a gateway that says so, is unreachable', async (_, client) => {
  const say = (withinMs?: number) => failure(client(forge.url).setStatus(repo, sha, status, { withinMs }))
  forge.intercept = () => true
  expect((await say(200)).message).toMatch(/^cannot reach \w+ at http:\S+: no answer within 0.2 s; is it running/)
  forge.intercept = (_call, response) => (response.destroy(), true)
  expect((await say()).message).toContain('the connection broke')
  forge.intercept = (_call, response) => (json(response, 502, {}), true)
  expect((await say()).message).toContain('it answers 502')
  await forge.down()
  const error = await say()
  expect(error).toBeInstanceOf(UnreachableError)
  expect(error.message).toContain('nothing listens there')
  await forge.up()
})

test.each(kinds)('%s: an abort is the caller’s own, not an outage', async (_, client) => {
  forge.intercept = () => true
  const error = await failure(client(forge.url).setStatus(repo, sha, status, { signal: AbortSignal.abort() }))
  expect(error).not.toBeInstanceOf(RaibidError)
})

test('a redirect is not followed: the token is for one server', async () => {
  forge.intercept = (_, response) => (response.writeHead(301, { location: '/api/v1/elsewhere' }).end(), true)
  const error = await failure(gitea({ url: forge.url, token: () => secret }).setStatus(repo, sha, status))
  expect(error.message).toContain('(301: it has moved to /api/v1/elsewhere)')
  expect(forge.calls).toHaveLength(1)
})

test.each(['..', '.', 'a/b', 'a?b', '', 'x'.repeat(101)])('%j is no name, and nothing is asked', async (name) => {
  for (const [, client] of kinds)
    await expect((async () => client(forge.url).repo({ owner: 'ci', name }))()).rejects.toThrow('is not the name of a repository')
  expect(forge.calls).toHaveLength(0)
})

test('Gitea: all pages of the branches, or an error', async () => {
  const branch = (n: number) => ({ name: `b${n}`, commit: { id: String(n) } })
  forge.intercept = ({ path }, response) => {
    const page = Number(/page=(\d+)/.exec(path)![1])
    json(response, 200, page < 3 ? [branch(page * 2), branch(page * 2 + 1)] : [])
    return true
  }
  const client = gitea({ url: forge.url, token: () => secret })
  expect(await client.heads(repo)).toEqual({ b2: '2', b3: '3', b4: '4', b5: '5' })
  forge.intercept = ({ path }, response) => (
    path.includes('page=2') ? json(response, 500, {}) : json(response, 200, [branch(1)]),
    true
  )
  await expect(client.heads(repo)).rejects.toThrow('refused to list the branches of ci/app (500)')
})

test('what is no forge is not understood, and what is too long is not read', async () => {
  const client = gitea({ url: forge.url, token: () => secret })
  forge.intercept = (_, response) => (response.end('<html>'), true)
  await expect(client.version()).rejects.toThrow('its answer is not what Gitea sends; is this its address?')
  forge.intercept = (_, response) => (response.end('x'.repeat(9 * 2 ** 20)), true)
  await expect(client.version()).rejects.toThrow('its answer is longer than 8388608 bytes')
})

test('GitHub: the branches are asked for by what was got before', async () => {
  forge.intercept = ({ headers }, response) => {
    if (headers['if-none-match'] === '"1"') response.writeHead(304).end()
    else json(response, 200, [{ ref: 'refs/heads/feat/x', object: { sha } }], { etag: '"1"' })
    return true
  }
  const client = github({ url: forge.url, token: () => secret }, 0)
  expect(await client.heads(repo)).toEqual({ heads: { 'feat/x': sha }, etag: '"1"' })
  expect(await client.heads(repo, '"1"')).toEqual({ heads: null, etag: '"1"' })
  expect(forge.calls[0]!.path).toBe('/api/v3/repos/ci/app/git/matching-refs/heads%2F')
})
