import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { boundedBody, jsonOf } from '#lib/server/http/body.ts'
import { problem, problemOf, Refused } from '#lib/server/http/problem.ts'
import { rateLimit } from '#lib/server/http/rate-limit.ts'
import { apiRoutes } from '#lib/server/api/app.ts'
import { openApi } from '#lib/server/api/openapi.ts'

describe('a body', () => {
  const app = new Hono()
  app.post('/', async (context) => context.json({ length: (await boundedBody(context, 1000)).byteLength }))
  app.onError((error, context) => problem(context, problemOf(error)))
  const post = (body: string | ReadableStream, headers: Record<string, string> = {}) =>
    app.request('/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

  test('within its bound', async () => expect(await (await post('x'.repeat(1000))).json()).toEqual({ length: 1000 }))
  test('one that announces too much is refused unread', async () => {
    let read = 0
    const body = new ReadableStream(
      { pull: (controller) => (read++, controller.enqueue(new Uint8Array(100))) },
      { highWaterMark: 0 },
    )
    expect((await post(body, { 'content-length': '100000000' })).status).toBe(413)
    expect(read).toBe(0)
  })
  test('one that never ends is cut off', async () => {
    let read = 0
    const body = new ReadableStream(
      { pull: (controller) => (read++, controller.enqueue(new Uint8Array(100))) },
      { highWaterMark: 0 },
    )
    expect((await post(body)).status).toBe(413)
    expect(read).toBeLessThan(20)
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['not JSON', Buffer.from('{'), /not JSON/],
    ['in another charset', Buffer.from([0x22, 0xfc, 0x22]), /not UTF-8/],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), /not JSON/],
    ['deep', Buffer.from('['.repeat(1_000_000)), /deeper than 64/],
    ['deep objects', Buffer.from('{"a":'.repeat(100) + '1' + '}'.repeat(100)), /deeper than 64/],
  ])('is refused in words: %s', (_, bytes, words) => expect(() => jsonOf(bytes)).toThrow(words))
  test('braces in a text are no depth', () =>
    expect(jsonOf(Buffer.from(JSON.stringify('[{\\"'.repeat(100))))).toBe('[{\\"'.repeat(100)))
})

describe('the rate limit', () => {
  test('lets a burst through, then so many a second, for each caller alone', () => {
    let now = 0
    const limit = rateLimit({ burst: 3, perSecond: 2, now: () => now })
    for (let i = 0; i < 3; i++) limit('a')
    expect(() => limit('a')).toThrow(Refused)
    limit('b')
    now = 1000
    limit('a')
    limit('a')
    expect(() => limit('a')).toThrow(/2 a second/)
  })
})

describe('the document of the API', () => {
  const document = openApi(apiRoutes) as {
    paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>
  }
  test('has every route, with every parameter of its path', () => {
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(told.sort()).toEqual(apiRoutes.map(({ method, path }) => `${method} ${path}`).sort())
    for (const [path, methods] of Object.entries(document.paths))
      for (const { parameters = [] } of Object.values(methods))
        expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(
          [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
        )
  })
  test('tells the shapes that validate', () => {
    expect(JSON.stringify(document)).toContain('"cursor"')
    expect(JSON.stringify(document.paths['/jobs']?.['post'])).toContain('"supersede"')
  })
})
