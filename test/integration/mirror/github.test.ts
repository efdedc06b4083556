import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { files } from '#lib/contract.ts'
import { UnreachableError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { listAccount, type ListOptions } from '#lib/forge/listing/list.ts'
import type { Listing } from '#lib/forge/listing/types.ts'
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
  listAccount({ forge: 'github', url: hub.url, name }, { token: secret, home, ...own })
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
