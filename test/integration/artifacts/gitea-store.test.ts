import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { giteaStore } from '#lib/artifacts/gitea-store.ts'
import { ulid } from '#lib/ulid.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'

/** As much of Gitea's generic packages as the store uses, after its documentation; it remembers what it was asked. */
const held = new Map<string, Buffer>()
let asked: string[] = []
let refuse: number | null = null
const login = `Basic ${Buffer.from('bot:token').toString('base64')}`
const server = createServer((request, response) => {
  void (async () => {
    const { pathname, search } = new URL(request.url!, 'http://gitea')
    asked.push(`${request.method} ${pathname}${search}`)
    const body = await buffer(request)
    const end = (status: number, answer?: string | Buffer): void => void response.writeHead(status).end(answer)
    if (request.headers.authorization !== login) return end(401)
    if (refuse && request.method === 'PUT' && !pathname.endsWith('/0')) return end(refuse)
    if (pathname.startsWith('/api/v1/packages/')) {
      const versions = new Set([...held.keys()].map((key) => key.split('/')[6]!))
      const page = new URLSearchParams(search).get('page')
      return end(200, JSON.stringify(page === '1' ? [...versions].map((version) => ({ name: 'raibid-artifacts', version })) : []))
    }
    if (request.method === 'PUT') return held.has(pathname) ? end(409) : (held.set(pathname, body), end(201))
    if (request.method === 'GET') return held.has(pathname) ? end(200, held.get(pathname)) : end(404)
    const gone = [...held.keys()].filter((key) => key.startsWith(`${pathname}/`))
    for (const key of gone) held.delete(key)
    end(gone.length ? 204 : 404)
  })()
})
let address = ''
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ci`
})
afterAll(() => server.close())
beforeEach(() => {
  held.clear()
  asked = []
  refuse = null
})

const store = (token = 'token') => giteaStore(address, [{ host: new URL(address).host, user: 'bot', token }])
const quiet = { signal: new AbortController().signal, leftOut: () => {} }
function workspace(): string {
  const { path, remove } = tmpFolder({ 'a/odd name%.txt': 'one\n', b: 'two\n' })
  onTestFinished(remove)
  return path
}

test('files go up by number, the manifest last; they come back as they were', async () => {
  const place = { job: ulid(), attempt: 3 }
  const kept = await store().put(place, workspace(), ['a/odd name%.txt', 'b'], quiet)
  const base = `/api/packages/ci/generic/raibid-artifacts/${place.job}.3`
  expect(asked).toEqual([`DELETE ${base}`, `PUT ${base}/0`, `PUT ${base}/1`, `PUT ${base}/manifest.json`])
  expect(await store().list(place)).toEqual(kept)
  expect(await text(await store().open(place, 0))).toBe('one\n')
  expect(await Array.fromAsync(store().places())).toEqual([place])
  // a second try of the same attempt, whose first answer was lost
  expect(await store().put(place, workspace(), ['b'], quiet)).toHaveLength(1)
  await store().remove(place)
  expect([await store().list(place), held.size]).toEqual([null, 0])
})

test('what goes wrong is said without the login, and nothing is left', async () => {
  const place = { job: ulid(), attempt: 1 }
  refuse = 413
  await expect(store().put(place, workspace(), ['b', 'a/odd name%.txt'], quiet)).rejects.toThrow(/answers 413 .* too large/)
  expect(held.size).toBe(0)
  await expect(store('wrong').list(place)).rejects.toThrow(/answers 401 .* it wants a login/)
  const nobody = giteaStore('http://127.0.0.1:1/ci', [])
  await expect(nobody.list(place)).rejects.toMatchObject({ name: 'UnreachableError', exitCode: 3 })
})
