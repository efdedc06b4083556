import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { producer } from '#lib/queue/producer.ts'
import { worker } from '#lib/queue/worker.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { events, startServe, type Serve } from '#test/helpers/serve.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
let serve: Serve
const tokens: Record<string, string> = {}
beforeAll(async () => {
  pool = await testPool()
  await pool.up('--max', '2')
  serve = await startServe(pool.env)
  for (const role of ['read', 'run', 'admin']) tokens[role] = await pool.must('pool/token', 'create', role, '--role', role)
})
afterAll(async () => {
  await serve.end()
  await pool.close()
})

const as = (role: string): RequestInit => ({ headers: { authorization: `Bearer ${tokens[role]}` } })
const post = (path: string, role?: string, body?: unknown) =>
  serve.get(path, {
    method: 'POST',
    headers: {
      ...(role && { authorization: `Bearer ${tokens[role]}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

describe('tokens', () => {
  test.each<[string, string | undefined, number]>([
    ['/api/v1/jobs', undefined, 200],
    ['/api/v1/jobs', 'read', 200],
    ['/api/v1/jobs/ABCDEF/cancel', undefined, 401],
    ['/api/v1/jobs/ABCDEF/cancel', 'read', 403],
    ['/api/v1/jobs/ABCDEF/cancel', 'run', 404],
    ['/api/v1/jobs/ABCDEF/approve', 'run', 403],
    ['/api/v1/jobs/ABCDEF/approve', 'admin', 404],
  ])('%s with %s: %i', async (path, role, status) => {
    const answer = path.endsWith('jobs') ? await serve.get(path, role ? as(role) : {}) : await post(path, role)
    expect(answer.status).toBe(status)
    if (status >= 400) expect(answer.headers.get('content-type')).toBe('application/problem+json')
  })

  test('one that is revoked or made up is refused, also where none is needed', async () => {
    const token = await pool.must('pool/token', 'create', 'short')
    const { stdout } = await pool.task('pool/token', '--json')
    const { id } = (JSON.parse(stdout) as { id: string; name: string }[]).find(({ name }) => name === 'short')!
    expect(stdout).not.toContain(token)
    await pool.must('pool/token', 'revoke', id)
    for (const bad of [token, 'raibid_' + 'x'.repeat(32), 'x'])
      expect((await serve.get('/api/v1/jobs', { headers: { authorization: `Bearer ${bad}` } })).status).toBe(401)
  })

  test('on an open address looking needs one as well; the login keeps it in a cookie that may only look', async () => {
    const open = await startServe(pool.env, '--host', '0.0.0.0')
    const url = open.url.replace('0.0.0.0', '127.0.0.1')
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(401)
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    const page = await fetch(url)
    expect([page.status, await page.text()]).toEqual([401, expect.stringContaining('A token is needed')])
    const login = (token: string) =>
      fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ token }), redirect: 'manual' })
    expect((await login('wrong')).status).toBe(401)
    const good = await login(tokens['admin']!)
    const cookie = good.headers.get('set-cookie')!
    expect([good.status, cookie]).toEqual([303, expect.stringMatching(/HttpOnly; SameSite=Strict/)])
    const headers = { cookie: cookie.split(';')[0]! }
    expect((await fetch(url, { headers })).status).toBe(200)
    expect((await fetch(`${url}/api/v1/jobs/ABCDEF/cancel`, { method: 'POST', headers })).status).toBe(401)
    await open.end()
  })
})

describe('jobs', () => {
  test('pages by cursor: each once, the newest first', async () => {
    const redis = pool.client()
    const jobs = producer(redis, {}, ['default', 'none'])
    const made: string[] = []
    for (let i = 0; i < 25; i++)
      made.push((await jobs.enqueue({ ...aSpec(), pool: 'none', repo: 'https://x.example.org/o/r', env: { N: String(i) } })).id)
    const seen: string[] = []
    let cursor: string | null = ''
    for (let page = 0; cursor !== null && page < 9; page++) {
      const path: string = `/api/v1/jobs?repo=${encodeURIComponent('https://x.example.org/o/r')}&limit=10${cursor && `&cursor=${cursor}`}`
      const answer: { jobs: { id: string }[]; next: string | null } = await serve.json(path)
      seen.push(...answer.jobs.map(({ id }) => id))
      cursor = answer.next
    }
    expect(seen).toEqual(made.reverse())
    for (const id of made) await jobs.cancel(id)
  })

  test.each<[string, string]>([
    ['limit=1000', 'limit'],
    ['limit=-1', 'limit'],
    ['state=new', 'state'],
    ['cursor=../x', 'cursor'],
    ['nothing=1', 'nothing: there is no such key'],
  ])('%s is refused in words', async (query, words) => {
    const answer = await serve.get(`/api/v1/jobs?${query}`)
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([400, expect.stringContaining(words)])
  })

  test.each<[string, unknown, number]>([
    ['a folder of this machine', { repo: '/etc' }, 400],
    ['an unknown key', { repo: 'https://x/y', shell: 'x' }, 400],
    ['not JSON', '{', 400],
    ['secrets', { repo: 'https://x/y', secrets: ['A'] }, 400],
  ])('a new one is refused: %s', async (_, body, status) => expect((await post('/api/v1/jobs', 'run', body)).status).toBe(status))

  test('cancel, retry, approve; each says what it can’t do', async () => {
    const redis = pool.client()
    const jobs = producer(redis, {}, ['default', 'none'])
    const { id } = await jobs.enqueue({ ...aSpec(), pool: 'none' }, { hold: 'a fork’s' })
    expect((await post(`/api/v1/jobs/${id}/retry`, 'run')).status).toBe(409)
    expect(await (await post(`/api/v1/jobs/${id}/approve`, 'admin')).json()).toEqual({ id, before: 'held', after: 'pending' })
    expect((await post(`/api/v1/jobs/${id}/approve`, 'admin')).status).toBe(409)
    expect(await (await post(`/api/v1/jobs/${id.slice(-6)}/cancel`, 'run')).json()).toEqual({
      id,
      before: 'pending',
      after: 'cancelled',
    })
    expect(await serve.json(`/api/v1/jobs/${id}/why`)).toMatchObject({ why: expect.stringMatching(/^cancelled/) as string })
  })
})

describe('a live log', () => {
  test('every watcher has every line once and in order; who comes back goes on behind what he had', async () => {
    const id = await pool.enqueue(
      stepsRepo('for i in $(seq 400); do echo "line $i"; [ $((i % 40)) = 0 ] && sleep 0.1; done').path,
    )
    const url = `${serve.url}/api/v1/jobs/${id}/log?format=sse`
    const done = (all: { event: string }[]): boolean => all.at(-1)?.event === 'finish'
    const lines = (all: { event: string; data: any }[]): number[] =>
      [
        ...all
          .filter(({ event }) => event === 'out')
          .map(({ data }) => String(data.text))
          .join('')
          .matchAll(/^line (\d+)$/gm),
      ].map(([, n]) => Number(n))
    const whole = Array.from({ length: 400 }, (_, i) => i + 1)
    const broken = async () => {
      const first = await events(url, (all) => all.filter(({ event }) => event === 'out').length >= 3)
      const had = first.findLast((one) => one.id)!.id
      return [...first, ...(await events(url, done, { 'last-event-id': had }))]
    }
    const [late, ...all] = await Promise.all([
      pool.said(id, 'line 200').then(() => events(url, done)),
      ...Array.from({ length: 10 }, () => events(url, done)),
      broken(),
      broken(),
    ])
    for (const one of [late, ...all]) expect(lines(one)).toEqual(whole)
    expect(late.at(-1)).toMatchObject({ event: 'finish', data: { state: 'success' } })
    expect(lines(await events(url, done))).toEqual(whole)
    expect(await (await serve.get(`/api/v1/jobs/${id}/log`)).text()).toMatch(/line 1\n[^]*line 400\n$/)
  })

  test('a watcher that reads nothing is cut off at a bound; the others and serve are fine', async () => {
    const redis = pool.client()
    const { id } = await producer(redis, {}, ['default', 'none']).enqueue({ ...aSpec(), pool: 'none', env: { STUCK: '1' } })
    const agent = worker(redis, 'hand')
    await agent.claim('token', 'none')
    const socket = connect(Number(new URL(serve.url).port), '127.0.0.1')
    socket.pause()
    socket.write(`GET /api/v1/jobs/${id}/log?format=sse HTTP/1.1\r\nhost: x\r\n\r\n`)
    let gone = false
    socket.on('close', () => (gone = true)).on('error', () => {})
    const reading = events(`${serve.url}/api/v1/jobs/${id}/log?format=sse`, (all) => all.at(-1)?.event === 'finish')
    const text = `${'x'.repeat(60_000)}\n`
    for (let seq = 1; seq <= 250; seq++)
      await agent.log(id, 'token', [{ seq, kind: 'out', step: 0, text, lines: 1, line: seq - 1 }])
    await waitFor(
      'it to be cut off',
      () => {
        socket.resume()
        socket.pause()
        return gone || socket.destroyed || serve.story().includes('never')
      },
      3000,
    ).catch(() => {})
    await agent.finish(id, 'token', { state: 'success', reason: '', exitCode: 0, phases: [], steps: [] })
    const all = await reading
    expect(all.filter(({ event }) => event === 'out')).toHaveLength(250)
    const metrics = await (await serve.get('/metrics')).text()
    expect(metrics).toMatch(/^raibid_log_watchers 0$/m)
    socket.destroy()
  })

  test('events: each change, and after a break what was missed', async () => {
    const url = `${serve.url}/api/v1/events`
    const listening = events(url, (all) => all.some(({ data }) => data.state === 'success'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const id = await pool.enqueue(stepsRepo('echo x').path)
    const seen = (await listening).filter(({ data }) => data.job === id)
    expect(seen.map(({ data }) => String(data.state))).toEqual(['pending', 'running', 'success'])
    const missed = await events(url, (all) => all.filter(({ data }) => data.job === id).length === 2, {
      'last-event-id': seen[0]!.id,
    })
    expect(missed.filter(({ data }) => data.job === id).map(({ data }) => String(data.state))).toEqual(['running', 'success'])
  })
})

describe('pages', () => {
  test('a hostile build shows as text, with colours as classes, by steps, with a link to each line', async () => {
    const repo = stepsRepo({
      name: '<img src=x onerror=alert(1)>',
      run: `printf '\\033[31m<script>alert(1)</script>\\033[0m\\n"&\\n'; exit 3`,
    })
    const id = await pool.enqueue(repo.path)
    await pool.ended(id)
    const answer = await serve.get(`/jobs/${id}`)
    const text = await answer.text()
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/)
    expect(text).not.toMatch(/<script>|<img/)
    expect(text).toContain(
      '<a class="n" id="s2-1" href="#s2-1">1</a><span class="f1">&lt;script&gt;alert(1)&lt;/script&gt;</span>',
    )
    expect(text).toMatch(/&lt;img src=x onerror=alert\(1\)&gt;/)
    expect(text).toContain(`just repro ${id.slice(-6)}`)
    const list = await (await serve.get('/')).text()
    expect(list).toContain(`href="/jobs/${id}"`)
    expect(list).not.toMatch(/<img/)
    const svg = await (await serve.get(`/badge.svg?repo=${encodeURIComponent(repo.path)}&branch=main`)).text()
    expect(svg).toContain('main: failed')
  })

  test('artifacts: a link for each, always a download; what is damaged in the store never arrives whole', async () => {
    const repo = createRepo({
      files: {
        '.raibid.yaml': stringify({
          artifacts: ['out/*'],
          steps: [{ run: `mkdir out && printf '<script>alert(1)</script>' > 'out/a "ü.html' && seq 100000 > out/b` }],
        }),
      },
    })
    const id = await pool.enqueue(repo.path)
    await pool.ended(id)
    expect(await (await serve.get(`/jobs/${id}`)).text()).toContain(`href="/api/v1/jobs/${id}/artifacts/1"`)
    const list = await serve.json<{ artifacts: { path: string; bytes: number }[] }>(`/api/v1/jobs/${id}/artifacts`)
    expect(list.artifacts.map(({ path }) => path)).toEqual(['out/a "ü.html', 'out/b'])
    const file = await serve.get(`/api/v1/jobs/${id}/artifacts/0`)
    expect(await file.text()).toBe('<script>alert(1)</script>')
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="a___.html"; filename*=UTF-8''a%20%22%C3%BC.html`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    })
    for (const [name, status] of Object.entries({ 2: 404, '-1': 400, '..%2f0': 400, x: 400 }))
      expect((await serve.get(`/api/v1/jobs/${id}/artifacts/${name}`)).status, name).toBe(status)
    const kept = join(pool.home, 'artifacts', id, '1', '1')
    writeFileSync(kept, readFileSync(kept, 'utf8').replace('99999', '99998'))
    const damaged = await serve.get(`/api/v1/jobs/${id}/artifacts/1`)
    await expect(damaged.text()).rejects.toThrow(/terminated|aborted/)
    rmSync(kept)
    await expect(serve.get(`/api/v1/jobs/${id}/artifacts/1`).then((answer) => answer.text())).rejects.toThrow()
    expect((await serve.get('/healthz')).status).toBe(200)
  })

  test.each(['/jobs/ZZZZZZ', '/static/../app.ts', '/nothing', '/jobs/%00'])('%s: 404 or 400, as a problem', async (path) => {
    expect([400, 404]).toContain((await serve.get(path)).status)
  })
})

test('readyz tells when its Redis is away; healthz does not', async () => {
  process.kill(pool.redisPid(), 'SIGSTOP')
  try {
    await waitFor('readyz to fail', async () => (await serve.get('/readyz')).status === 503)
    expect((await serve.get('/healthz')).status).toBe(200)
  } finally {
    process.kill(pool.redisPid(), 'SIGCONT')
  }
  await waitFor('readyz to be well', async () => (await serve.get('/readyz')).status === 200, 20_000)
})
