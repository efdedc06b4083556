import type { Redis } from 'ioredis'
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { repositoryPolicies } from '#lib/config-repositories.ts'
import type { Forge } from '#lib/config.ts'
import { heads } from '#lib/queue/heads.ts'
import { mirrorSyncs } from '#lib/queue/mirror-syncs.ts'
import type { ForgeEvent } from '#lib/server/hooks/event.ts'
import { decideAsking } from '#lib/server/hooks/forced.ts'
import type { Decision } from '#lib/server/hooks/policy.ts'
import { mirrorSync } from '#lib/server/mirror-sync.ts'
import { poller } from '#lib/server/poll.ts'
import { repoHeads } from '#lib/server/repo-heads.ts'
import { scheduler } from '#lib/server/scheduled.ts'
import { json, startFakeForge, type FakeForge } from '#test/helpers/fake-forge.ts'
import { aCommit } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let server: TestRedis
let redis: Redis
let forge: FakeForge
let end: AbortController
const running: Promise<void>[] = []
let said: string[]
beforeAll(async () => {
  server = await startRedis()
  redis = server.client()
})
afterAll(() => server.stop())
beforeEach(async () => {
  await redis.flushall()
  forge = await startFakeForge()
  end = new AbortController()
  said = []
})
afterEach(async () => {
  end.abort()
  await Promise.all(running.splice(0))
  await forge.down()
})

const say = (_: string, what: string, facts: object = {}): void => void said.push(`${what} ${JSON.stringify(facts)}`)
const forges = (kind: Forge['kind']): Forge[] => [{ kind, url: forge.url, aliases: [], token: () => 'hush' }]
const remote = (kind: Forge['kind']) => repoHeads({ forges: forges(kind), credentials: [], signal: end.signal })
const commitOf = (decision: Decision): string => (decision.do === 'build' ? decision.spec.commit : decision.do)

test('what GitHub told is asked for again, whole, when it could not be dealt with', async () => {
  const url = `${forge.url}/me/app.git`
  const etags: (string | undefined)[] = []
  forge.intercept = (call, response) => {
    etags.push(call.headers['if-none-match'])
    if (call.headers['if-none-match'] === '"now"') response.writeHead(304).end()
    else json(response, 200, [{ ref: 'refs/heads/main', object: { sha: aCommit(2), type: 'commit' } }], { etag: '"now"' })
    return true
  }
  await heads(redis).set(url, { main: aCommit(1) })
  const delivered: string[] = []
  const policies = repositoryPolicies([{ match: 'me/app', url, poll: 1 }], [], [])
  const deliver = async (_: string, __: string, decision: Decision) => {
    delivered.push(commitOf(decision))
    if (delivered.length === 1) throw new Error('Redis is away')
    return { outcome: 'enqueued', reason: '' } as const
  }
  const looks = { redis, forges: forges('github'), policies, deliver, signal: end.signal, say }
  running.push(poller({ ...looks, remote: remote('github') })())
  await waitFor('another try', () => delivered.length > 1 && etags.length > 2, 20_000)
  expect(delivered).toEqual([aCommit(2), aCommit(2)])
  expect(etags.slice(0, 3)).toEqual([undefined, undefined, '"now"'])
})

test('a mirror that is not there is given up, one whose forge is away is not', async () => {
  const asked = mirrorSyncs(redis)
  let status = 503
  const seen: string[] = []
  forge.intercept = (call, response) => {
    seen.push(call.path)
    json(response, status, { message: 'no' })
    return true
  }
  const waits = { debounce: 0, look: 20, longest: 20, giveUp: 100 }
  const sync = mirrorSync({ redis, forges: forges('gitea'), signal: end.signal, say, waits })
  running.push(sync.run())
  await sync.ask('mirrors/app')
  const first = Date.now()
  await waitFor('many tries', () => seen.length > 5 && Date.now() - first > 2 * waits.giveUp)
  expect(await asked.all()).toHaveLength(1)
  status = 404
  await waitFor('to give up', async () => (await asked.all()).length === 0)
  expect(said.at(-1)).toMatch(/^given up .*mirrors\/app.*404/)
})

test('a schedule: nothing at first sight, then once for what was missed, by however many', async () => {
  const url = 'https://git.test/me/app'
  const policies = repositoryPolicies([{ match: 'me/app', url, cron: '*/10 * * * *', secrets: ['A'] }], [], [])
  const delivered: [string, Decision][] = []
  let fails = false
  const at = (text: string): number => new Date(`2026-03-01T${text}:00`).getTime()
  let now = at('10:05')
  const instance = () =>
    scheduler({
      ...{ redis, policies, signal: end.signal, say, now: () => now },
      async main() {
        if (fails) throw new Error('away')
        return { branch: 'trunk', commit: aCommit(3) }
      },
      async deliver(_, id, decision) {
        delivered.push([id, decision])
        return { outcome: 'enqueued', reason: '' }
      },
    })
  const [one, other] = [instance(), instance()]
  await one.look()
  expect(delivered).toEqual([])
  now = at('10:43')
  fails = true
  await one.look()
  expect(delivered).toEqual([])
  fails = false
  await Promise.all([one.look(), other.look()])
  const ids = new Set(delivered.map(([id]) => id))
  expect([...ids]).toEqual([`me/app */10 * * * * ${url} ${at('10:40')}`])
  expect(delivered[0]![1]).toMatchObject({
    do: 'build',
    spec: { repo: url, branch: 'trunk', commit: aCommit(3), secrets: ['A'] },
  })
  const before = delivered.length
  now = at('10:49')
  await one.look()
  expect(delivered).toHaveLength(before)
})

test('a push that Gitea does not call forced, and that may be, is built whatever files it lists', async () => {
  const policies = repositoryPolicies([{ match: '**', paths: ['src/**'] }], [], [])
  const push = (more: object = {}): ForgeEvent => ({
    ...{ kind: 'push', ref: { kind: 'branch', name: 'main' }, commit: aCommit(2), before: aCommit(1), forced: false },
    ...{ message: '', author: '', commitAt: 0, files: ['README.md'] },
    repo: { forge: 'gitea', name: 'me/app', url: `${forge.url}/me/app.git`, defaultBranch: 'main' },
    ...more,
  })
  let answer = (response: ServerResponse): void => json(response, 200, { total_commits: 0 })
  const asked: string[] = []
  forge.intercept = (call, response) => {
    asked.push(call.path)
    answer(response)
    return true
  }
  const decided = async (event: ForgeEvent) => (await decideAsking(event, policies, forges('gitea'))).do
  expect(await decided(push({ files: ['src/a'] }))).toBe('build')
  expect(asked).toEqual([])
  expect(await decided(push())).toBe('nothing')
  expect(asked).toEqual([`/api/v1/repos/me/app/compare/${aCommit(2)}...${aCommit(1)}`])
  answer = (response) => json(response, 200, { total_commits: 1 })
  expect(await decided(push())).toBe('build')
  answer = (response) => json(response, 404, { message: 'ref does not exist' })
  expect(await decided(push())).toBe('build')
  await forge.down()
  expect(await decided(push())).toBe('build')
  await forge.up()
})
