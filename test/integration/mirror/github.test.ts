import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Forge } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { UnreachableError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { listAccount, type ListOptions } from '#lib/forge/listing/list.ts'
import { listById, listOne } from '#lib/forge/listing/one.ts'
import type { Listing } from '#lib/forge/listing/types.ts'
import { json, startFakeForge } from '#test/helpers/fake-forge.ts'
import { startFakeGitHub, type FakeGitHub } from '#test/helpers/fake-github.ts'

const secret = 'ghp_hush'
let hub: FakeGitHub
let home: string
beforeEach(async () => {
  hub = await startFakeGitHub()
  home = mkdtempSync(join(tmpdir(), 'listing-'))
  hub.accounts.set('myorg', 'org').set('me', 'user')
  hub.tokens.set(secret, { login: 'me' }).set('other', { login: 'other' })
})
afterEach(() => hub.down())

const fill = (count: number, owner = 'myorg') => {
  for (let n = 1; n <= count; n++) hub.add(owner, `r${n}`)
}
const list = (name = 'myorg', own: Partial<ListOptions> = {}): Promise<Listing> =>
  listAccount({ forge: 'github', url: hub.url, name }, { token: secret, home, repeatMs: 20, ...own })
const names = ({ repos }: Listing) => repos.map(({ name }) => name).toSorted()
const failure = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => expect.fail('no error'),
    (error: Error) => error,
  )
const listings = () => join(home, files.mirrorListings)
const cached = () => {
  const [file] = readdirSync(listings())
  return join(listings(), file!)
}

test('an organisation: every field, by pages of a hundred', async () => {
  fill(150)
  hub.add('myorg', 'special', {
    ...{ private: true, fork: true, archived: true, description: 'A thing', topics: ['ci'], language: 'Rust' },
    ...{ default_branch: 'trunk', size: 2048, pushed_at: null },
  })
  const listing = await list()
  expect(listing.repos).toHaveLength(151)
  expect(listing.repos.find(({ name }) => name === 'special')).toEqual({
    ...{ forge: 'github', forgeUrl: hub.url, id: '151', owner: 'myorg', name: 'special' },
    ...{ cloneUrl: `${hub.url}/myorg/special.git`, private: true, fork: true, archived: true, empty: null },
    ...{ description: 'A thing', topics: ['ci'], language: 'Rust', defaultBranch: 'trunk', bytes: 2 * 2 ** 20, pushedAt: null },
  })
  expect(listing.repos.find(({ name }) => name === 'r1')!.pushedAt).toBe(Date.UTC(2026, 0, 1, 0, 0, 1))
  expect(hub.asked()[0]).toBe('/orgs/myorg/repos?type=all&sort=pushed&direction=desc&per_page=100&page=1')
  expect(hub.calls[0]!.headers.authorization).toBe(`token ${secret}`)
})

describe('an unchanged list', () => {
  test('of 1,000 costs a conditional request a page, and nothing is written', async () => {
    fill(1000)
    await list()
    hub.calls.length = 0
    const before = statSync(cached(), { bigint: true })
    const again = await list()
    expect(again.repos).toHaveLength(1000)
    expect(hub.calls.length).toBeLessThanOrEqual(12)
    expect(again.requests).toBe(hub.calls.length)
    expect(again.unchanged).toBe(again.requests)
    expect(hub.calls.every(({ headers }) => headers['if-none-match'])).toBe(true)
    const after = statSync(cached(), { bigint: true })
    expect([after.mtimeNs, after.ino]).toEqual([before.mtimeNs, before.ino])
  })

  test('is kept for nobody else to read, and holds no token', async () => {
    fill(1)
    await list()
    expect(statSync(cached()).mode & 0o777).toBe(0o600)
    expect(statSync(listings()).mode & 0o777).toBe(0o700)
    expect(readFileSync(cached(), 'utf8')).not.toContain(secret)
  })

  test.each([
    ['cut short', (text: string) => text.slice(0, text.length / 2)],
    ['of another shape', () => '{"version":1}'],
    ['with a page of another shape', (text: string) => text.replaceAll('"archived":false', '"archived":"no"')],
    ['empty', () => ''],
    ['binary', () => '\u0000\ufffd'],
  ])('a cache that is %s is none', async (_, damage) => {
    fill(3)
    await list()
    writeFileSync(cached(), damage(readFileSync(cached(), 'utf8')))
    hub.calls.length = 0
    expect(names(await list())).toEqual(['r1', 'r2', 'r3'])
    expect(hub.calls.some(({ headers }) => headers['if-none-match'])).toBe(false)
    expect((await list()).unchanged).toBe(1)
  })

  test('that can’t be kept is told, and listed all the same', async () => {
    fill(3)
    writeFileSync(join(home, 'mirrors'), 'in the way')
    const listing = await list()
    expect(listing.repos).toHaveLength(3)
    expect(listing.warnings).toEqual([expect.stringContaining('the list of myorg could not be kept for the next time: ')])
  })

  test('is another one for another token', async () => {
    fill(3)
    await list()
    expect((await list('myorg', { token: 'other' })).unchanged).toBe(0)
  })
})

describe('a list that changes', () => {
  test('on its last page only is seen, though the first page is as it was', async () => {
    fill(250)
    await list()
    hub.repos.find(({ name }) => name === 'r1')!.name = 'renamed'
    const listing = await list()
    expect(listing.repos).toHaveLength(250)
    expect(names(listing)).toContain('renamed')
    expect(listing.unchanged).toBeGreaterThanOrEqual(2)
  })

  test('by what is added behind a full last page', async () => {
    fill(100)
    await list()
    // as a transfer brings it: not pushed to for years
    hub.add('myorg', 'ancient', { pushed: Date.UTC(2001, 0, 1) })
    expect(names(await list())).toContain('ancient')
  })

  test('by what is gone', async () => {
    fill(101)
    await list()
    hub.repos = hub.repos.filter(({ name }) => name !== 'r50')
    const listing = await list()
    expect(listing.repos).toHaveLength(100)
    expect(names(listing)).not.toContain('r50')
  })

  // the third request is that for page 3, whose first has just moved to where it was already looked
  test.each([
    ['pushed to', () => hub.push(hub.repos.find(({ name }) => name === 'r10')!)],
    ['deleted', () => void (hub.repos = hub.repos.filter(({ name }) => name !== 'r300'))],
  ])('while it is read, by what is %s: each is there once all the same', async (_, change) => {
    fill(300)
    let calls = 0
    hub.before = () => {
      if (++calls === 3) change()
      return false
    }
    const listing = await list()
    const there = hub.repos.map(({ name }) => name)
    expect(names(listing)).toEqual(expect.arrayContaining(there))
    expect(new Set(names(listing)).size).toBe(listing.repos.length)
  })

  test('all the time ends in a sentence, not in half a list', async () => {
    fill(150)
    hub.before = () => (hub.add('myorg', `new${hub.calls.length}`), false)
    const error = await failure(list())
    expect(error).toBeInstanceOf(UnreachableError)
    expect(error.message).toContain('its list changes faster than it can be read')
  })
})

describe('organisation or user', () => {
  test('an organisation costs no request more', async () => {
    fill(1)
    expect((await list()).requests).toBe(1)
  })

  test('a user is found by trying once, and known from then on', async () => {
    hub.accounts.set('you', 'user')
    fill(2, 'you')
    hub.add('you', 'secret', { private: true })
    expect(names(await list('you'))).toEqual(['r1', 'r2'])
    expect((await list('you')).requests).toBe(1)
  })

  test('one’s own private ones are listed too', async () => {
    hub.add('me', 'secret', { private: true })
    expect(names(await list('me'))).toEqual(['secret'])
    expect((await list('me')).requests).toBe(1)
    expect(hub.asked().at(-1)).toContain('/user/repos?')
  })

  test('without a token', async () => {
    hub.add('me', 'secret', { private: true })
    hub.add('me', 'open')
    expect(names(await list('me', { token: null }))).toEqual(['open'])
    expect(hub.calls.every(({ headers }) => !headers.authorization)).toBe(true)
  })

  test('a token that is nobody’s own', async () => {
    hub.add('me', 'open')
    hub.before = ({ path }, response) =>
      path.endsWith('/user') && (json(response, 403, { message: 'Resource not accessible' }), true)
    expect(names(await list('me'))).toEqual(['open'])
  })

  test('an organisation that became a user is found again', async () => {
    fill(1)
    await list()
    hub.accounts.set('myorg', 'user')
    expect(names(await list())).toEqual(['r1'])
  })

  test.each([
    [secret, 'or our token may not see it'],
    [null, 'or shows it only to a token that may see it'],
  ])('what is neither is told, with the token %s', async (token, words) => {
    const error = await failure(list('nobody', { token }))
    expect(error).toBeInstanceOf(RefusedError)
    expect(error).toMatchObject({ status: 404 })
    expect(error.message).toBe(`GitHub at ${hub.url} has no organisation or user called nobody, ${words}`)
  })
})

describe('what GitHub answers instead of a list', () => {
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}, times = Infinity) => {
    let given = 0
    hub.before = (_, response) => given++ < times && (json(response, status, body, headers), true)
  }
  const kept = (error: Error) => {
    expect(JSON.stringify(error) + String(error.stack)).not.toContain(secret)
    return error.message.replaceAll(hub.url, '<url>')
  }

  test.each([
    [
      secret,
      "GitHub at <url> does not take our token (401: Bad credentials); give a valid one in RAIBID_GITHUB_TOKEN or the forge's tokenFile",
    ],
    [
      null,
      'GitHub at <url> wants a token before we list the repositories of myorg (401: Bad credentials); give one in RAIBID_GITHUB_TOKEN',
    ],
  ])('401, with the token %s: asked once', async (token, words) => {
    answer(401, { message: 'Bad credentials' })
    const error = await failure(list('myorg', { token }))
    expect(error).toBeInstanceOf(RefusedError)
    expect(kept(error)).toContain(words)
    expect(hub.calls).toHaveLength(1)
  })

  test('403 that is no limit', async () => {
    answer(403, { message: 'Resource protected by organization SAML enforcement' })
    const error = await failure(list())
    expect(kept(error)).toBe(
      'GitHub at <url> does not let our token list the repositories of myorg (403: Resource protected by organization SAML enforcement); give one that may read it',
    )
    expect(hub.calls).toHaveLength(1)
  })

  describe('limits', () => {
    const soon = () => String(Math.ceil(Date.now() / 1000) + 1)
    test.each([
      [
        'the primary one, by its reset',
        403,
        { message: 'API rate limit exceeded' },
        () => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': soon() }),
      ],
      [
        'the secondary one, by retry-after',
        403,
        { message: 'You have exceeded a secondary rate limit' },
        () => ({ 'retry-after': '1' }),
      ],
      ['429, by retry-after', 429, { message: 'Too many requests' }, () => ({ 'retry-after': '1' })],
    ])('%s: waited for, said, and asked again', async (_, status, body, headers) => {
      fill(3)
      answer(status, body, headers(), 1)
      const waits: [number, string][] = []
      const start = Date.now()
      const listing = await list('myorg', { onWait: (ms, why) => waits.push([ms, why]) })
      expect(names(listing)).toEqual(['r1', 'r2', 'r3'])
      expect(listing.requests).toBe(2)
      expect(waits).toHaveLength(1)
      expect(waits[0]![1]).toContain('asks us to wait')
      expect(Date.now() - start).toBeGreaterThanOrEqual(waits[0]![0])
    })

    test.each([
      [
        'a reset in an hour',
        403,
        () => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 3000) }),
      ],
      ['retry-after of ten minutes', 403, () => ({ 'retry-after': '600' })],
      ['429 of ten minutes', 429, () => ({ 'retry-after': '600' })],
    ])('%s is not waited for: who comes back is told when', async (_, status, headers) => {
      answer(status, { message: 'limit' }, headers())
      const error = await failure(list())
      expect(error).toMatchObject({ status: 429, retryAfterMs: expect.any(Number) as number })
      expect((error as RefusedError).retryAfterMs).toBeGreaterThan(500_000)
      expect(kept(error)).toMatch(/^GitHub at <url> asks us to wait \d+ s before we list the repositories of myorg/)
      expect(hub.calls).toHaveLength(1)
    })

    test('without a token: what helps is said', async () => {
      answer(403, { message: 'limit' }, { 'retry-after': '600' })
      expect(kept(await failure(list('myorg', { token: null })))).toContain(
        'it allows more with a token: give one in RAIBID_GITHUB_TOKEN',
      )
    })

    test('that never end are given up', async () => {
      answer(429, { message: 'again' }, { 'retry-after': '1' })
      expect(await failure(list())).toMatchObject({ status: 429 })
      expect(hub.calls).toHaveLength(3)
    })

    test('in the middle: what was read before is not asked for again', async () => {
      fill(250)
      let calls = 0
      hub.before = (_, response) => ++calls === 3 && (json(response, 403, { message: 'limit' }, { 'retry-after': '600' }), true)
      await failure(list())
      hub.calls.length = 0
      hub.before = null
      const listing = await list()
      expect(listing.repos).toHaveLength(250)
      expect(hub.calls.slice(0, 3).map(({ headers }) => Boolean(headers['if-none-match']))).toEqual([true, true, false])
    })
  })

  test.each([500, 502, 503])('%i once: asked again', async (status) => {
    fill(1)
    answer(status, { message: 'oops' }, {}, 1)
    expect(names(await list())).toEqual(['r1'])
    expect(hub.calls).toHaveLength(2)
  })

  test.each([
    [500, RefusedError, 'GitHub at <url> refused to list the repositories of myorg (500: oops)'],
    [502, UnreachableError, 'cannot reach GitHub at <url>: it answers 502'],
  ])('%i for good is named after three tries, never half a list', async (status, kind, words) => {
    fill(150)
    hub.before = ({ path }, response) => path.endsWith('page=2') && (json(response, status, { message: 'oops' }), true)
    const error = await failure(list())
    expect(error).toBeInstanceOf(kind)
    expect(kept(error)).toContain(words)
    expect(hub.calls).toHaveLength(4)
  })

  const json200 = { 'content-type': 'application/json; charset=utf-8' }
  test.each<[string, Record<string, string>, string, string]>([
    ['JSON cut short', json200, '[{"id":1,"name":"a"', 'its answer is cut short, or no JSON'],
    ['nothing', json200, '', 'its answer is cut short, or no JSON'],
    ['a page for people', { 'content-type': 'text/html' }, '<html>', 'its answer is cut short, or no JSON'],
    ['no list', json200, '{"a":1}', 'its answer is not what GitHub sends'],
    ['a list of something else', json200, '[{"id":1}]', 'its answer is not what GitHub sends'],
    ['nulls in the list', json200, '[null]', 'its answer is not what GitHub sends'],
    [
      'a name that is no name',
      json200,
      JSON.stringify([{ id: 1, name: 'x'.repeat(2000), owner: { login: 'a' } }]),
      'is not what GitHub sends',
    ],
  ])('%s', async (_, headers, text, words) => {
    hub.before = (_call, response) => (response.writeHead(200, headers).end(text), true)
    const error = await failure(list())
    expect(error).toBeInstanceOf(UnreachableError)
    expect(kept(error)).toContain(words)
  })

  test('a connection that breaks in the middle of an answer', async () => {
    hub.before = (_, response) => {
      response.writeHead(200, { ...json200, 'content-length': '1000' }).write('[{"id":1,')
      setTimeout(() => response.destroy(), 20)
      return true
    }
    expect(kept(await failure(list()))).toContain('cannot reach GitHub at <url>: the connection broke')
  })

  test('an answer without an end', async () => {
    hub.before = (_, response) => (response.writeHead(200, json200).end('x'.repeat(9 * 2 ** 20)), true)
    expect(kept(await failure(list()))).toContain('its answer is longer than')
  })

  test('304 that nobody asked for', async () => {
    hub.before = (_, response) => (response.writeHead(304).end(), true)
    expect(kept(await failure(list()))).toContain('it calls unchanged what we have never seen')
  })

  test('301 on the same server is followed', async () => {
    fill(2)
    hub.accounts.set('new', 'org')
    hub.repos.forEach((repo) => (repo.owner = 'new'))
    hub.before = ({ path }, response) => {
      if (!path.includes('/orgs/myorg/')) return false
      response.writeHead(301, { location: path.replace('myorg', 'new') }).end()
      return true
    }
    expect(names(await list())).toEqual(['r1', 'r2'])
  })

  test.each([301, 302, 307, 308])('%i to another server is not: the token stays here', async (status) => {
    const other = await startFakeForge()
    hub.before = ({ path }, response) => (response.writeHead(status, { location: `${other.url}${path}` }).end(), true)
    const error = await failure(list())
    expect(error.message).toContain(`it has moved to ${other.url}/api/v3/orgs/myorg/repos`)
    expect(other.calls).toEqual([])
    await other.down()
  })

  test('301 in a circle', async () => {
    hub.before = ({ path }, response) => (response.writeHead(301, { location: path }).end(), true)
    expect((await failure(list())).message).toContain('it has moved to')
    expect(hub.calls).toHaveLength(4)
  })

  test('nobody', async () => {
    await hub.down()
    const error = await failure(list())
    expect(error).toBeInstanceOf(UnreachableError)
    expect(kept(error)).toContain('cannot reach GitHub at <url>: nothing listens there')
    await hub.up()
  })

  test('told to stop while it waits, it stops at once', async () => {
    answer(403, { message: 'limit' }, { 'retry-after': '60' })
    const stop = new AbortController()
    const start = Date.now()
    const error = await failure(list('myorg', { signal: stop.signal, onWait: () => stop.abort() }))
    expect(error.name).toBe('AbortError')
    expect(Date.now() - start).toBeLessThan(20_000)
  })
})

describe('what a classic token may do is told, from the answers that come anyway', () => {
  test.each([
    ['repo, read:org', 'is a classic one that may write (repo)'],
    ['read:org', null],
    ['', null],
    [undefined, null],
  ])('scopes %j', async (scopes, words) => {
    fill(1)
    hub.tokens.set(secret, { login: 'me', ...(scopes !== undefined && { scopes }) })
    for (const listing of [await list(), await list()]) {
      expect(listing.warnings).toEqual(words ? [expect.stringContaining(words)] : [])
      expect(listing.requests).toBe(1)
    }
  })
})

describe('a single repository', () => {
  const forges = (): Forge[] => [{ kind: 'github', url: hub.url, aliases: [], token: () => secret }]

  test('by its address, and by its id after a rename', async () => {
    const repo = hub.add('myorg', 'app', { description: 'x' })
    const found = await listOne(`${hub.url}/myorg/app.git`, { forges: forges() })
    expect(found).toMatchObject({ id: String(repo.id), owner: 'myorg', name: 'app', description: 'x' })
    ;[repo.owner, repo.name] = ['elsewhere', 'renamed']
    expect(await listOne(`${hub.url}/myorg/app`, { forges: forges() })).toBeNull()
    expect(await listById('github', hub.url, found!.id, { forges: forges() })).toMatchObject({
      owner: 'elsewhere',
      name: 'renamed',
    })
    hub.repos = []
    expect(await listById('github', hub.url, found!.id, { forges: forges() })).toBeNull()
  })

  test('at a place that is no forge of ours, nobody is asked', async () => {
    expect(await listOne('https://git.example/me/app', { forges: forges() })).toBeNull()
    expect(await listById('github', hub.url, '../../user', { forges: forges() })).toBeNull()
    expect(hub.calls).toEqual([])
  })

  test('an error is no absence', async () => {
    hub.before = (_, response) => (json(response, 403, { message: 'no' }), true)
    await expect(listOne(`${hub.url}/myorg/app`, { forges: forges() })).rejects.toThrow('does not let our token find myorg/app')
  })
})
