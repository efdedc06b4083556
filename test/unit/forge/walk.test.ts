import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PageCache } from '#lib/forge/listing/page-cache.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import { walk, type PageAnswer } from '#lib/forge/listing/walk.ts'

const repo = (id: string): ListedRepo => ({ id, name: id }) as ListedRepo
const empty = (): PageCache => ({ kind: null, pages: new Map(), dirty: false })
const trouble = (why: string) => new Error(why)
type Change = (list: string[]) => void

/** A list in pages of `size`, newest push first; before the n-th request `changes[n]` happens to it. */
function forge(list: string[], { size = 3, etags = true, totals = false, changes = {} as Record<number, Change> } = {}) {
  const state = { list, requests: 0 }
  const ask = (path: string, etag: string | null): Promise<PageAnswer> => {
    changes[++state.requests]?.(state.list)
    const page = Number(path)
    const shown = state.list.slice((page - 1) * size, page * size)
    const own = JSON.stringify(shown)
    if (etags && etag === own) return Promise.resolve({ same: true, next: undefined })
    const next = shown.length === size ? String(page + 1) : null
    const total = totals ? state.list.length : null
    return Promise.resolve({ same: false, next, etag: etags ? own : null, repos: shown.map(repo), total })
  }
  return { state, ask }
}

const letters = [...'abcdefghij']
const go = async ({ ask }: ReturnType<typeof forge>, cache = empty()) =>
  (await walk({ first: '1', ask, cache, trouble })).repos.map(({ id }) => id).toSorted()

describe('how often it asks', () => {
  test.each([
    ['a single page: once', letters.slice(0, 2), {}, 1],
    ['several pages: twice each', letters, {}, 8],
    ['several pages whose count is told: once each', letters, { totals: true }, 4],
    ['several pages without etags: twice each', letters, { etags: false }, 8],
    ['nothing at all: once', [], {}, 1],
  ])('%s', async (_, list, how, requests) => {
    const one = forge([...list], how)
    expect(await go(one)).toEqual([...list])
    expect(one.state.requests).toBe(requests)
  })

  test('what is as it was: once a page, and nothing is to be kept', async () => {
    const one = forge([...letters])
    const cache = empty()
    await go(one, cache)
    ;[one.state.requests, cache.dirty] = [0, false]
    expect(await go(one, cache)).toEqual(letters)
    expect([one.state.requests, cache.dirty]).toEqual([4, false])
  })

  test('pages that are no more are forgotten', async () => {
    const one = forge([...letters])
    const cache = empty()
    await go(one, cache)
    one.state.list.splice(2)
    expect(await go(one, cache)).toEqual(['a', 'b'])
    expect([...cache.pages.keys()]).toEqual(['1'])
  })
})

const jump =
  (id: string): Change =>
  (list) =>
    void (list.includes(id) && list.unshift(...list.splice(list.indexOf(id), 1)))
const drop =
  (id: string): Change =>
  (list) =>
    void (list.includes(id) && list.splice(list.indexOf(id), 1))
const add =
  (id: string): Change =>
  (list) =>
    void list.unshift(id)

describe('a list that changes under it', () => {
  test.each([
    ['a jump to the front', { 2: jump('j') }, [...letters]],
    ['a deletion on a page that was read', { 3: drop('a') }, letters.slice(1)],
    ['a deletion in the second walk as well', { 3: drop('a'), 7: drop('b') }, letters.slice(2)],
    ['a new one', { 3: add('new') }, [...letters, 'new'].toSorted()],
  ])('%s', async (_, changes, expected) => {
    expect(await go(forge([...letters], { changes }))).toEqual(expected)
  })

  test('without a pause is told, not listed in part', async () => {
    const changes = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [n, add(`n${n}`)]))
    await expect(go(forge([...letters], { changes }))).rejects.toThrow('its list changes faster than it can be read')
  })

  test('whatever happens, what is there all the time is in it, and nothing twice', async () => {
    const change = fc.oneof(
      fc.constantFrom(...letters).map((id) => ({ name: `jump ${id}`, run: jump(id) })),
      fc.constantFrom(...letters.slice(0, 5)).map((id) => ({ name: `drop ${id}`, run: drop(id) })),
      fc.nat(9).map((n) => ({ name: `add ${n}`, run: add(`n${n}${Math.floor(n / 2)}`) })),
    )
    const events = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), change), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(events, fc.boolean(), fc.boolean(), async (planned, etags, totals) => {
        const changes: Record<number, Change> = {}
        for (const [n, { run }] of planned) {
          const before = changes[n]
          changes[n] = (list) => (before?.(list), run(list))
        }
        const one = forge([...letters], { changes, etags, totals })
        const cache = empty()
        const result = await walk({ first: '1', ask: one.ask, cache, trouble }).catch(() => null)
        if (!result) return
        const ids = result.repos.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        // those that nothing ever drops
        expect(ids).toEqual(expect.arrayContaining(letters.slice(5)))
      }),
      { numRuns: 2000 },
    )
  })
})

test('pages without an end, and in a circle', async () => {
  const endless = (path: string): Promise<PageAnswer> =>
    Promise.resolve({ same: false, next: String(Number(path) + 1), etag: null, repos: [], total: null })
  await expect(walk({ first: '1', ask: endless, cache: empty(), trouble })).rejects.toThrow('its list does not end')
  const circle = (): Promise<PageAnswer> => Promise.resolve({ same: false, next: '1', etag: null, repos: [], total: null })
  await expect(walk({ first: '1', ask: circle, cache: empty(), trouble })).rejects.toThrow('its list does not end')
})
