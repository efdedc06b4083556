import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Forge } from '#lib/config.ts'
import { keys } from '#lib/queue/keys.ts'
import { reporter } from '#lib/queue/reporter.ts'
import { driveStatuses, type StatusOptions } from '#lib/server/status/drive.ts'
import { json, startFakeForge, type FakeForge } from '#test/helpers/fake-forge.ts'
import { aCommit, aResult, aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let server: TestRedis
let redis: Redis
let forge: FakeForge
let queue: ReturnType<typeof roles>
let drivers: { stop: () => Promise<void>; said: string[] }[] = []
beforeAll(async () => {
  server = await startRedis()
  redis = server.client()
})
afterAll(() => server.stop())
beforeEach(async () => {
  await redis.flushall()
  queue = roles(redis)
  forge = await startFakeForge()
})
afterEach(async () => {
  for (const { stop } of drivers) await stop()
  drivers = []
  await forge.down()
})

const forgeAt = (kind: Forge['kind'], url: string): Forge => ({ kind, url, aliases: [], token: () => 'hush' })

function drive(more: Partial<StatusOptions> & { forges?: Forge[] } = {}) {
  const { forges = [forgeAt('gitea', forge.url)], ...rest } = more
  const control = new AbortController()
  const said: string[] = []
  const done = driveStatuses({
    redis: server.client(),
    config: { forges, publicUrl: 'https://ci.example' },
    signal: control.signal,
    say: (_, what, facts = {}) => void said.push(`${what} ${facts['why'] ?? ''}`),
    waits: { first: 20, longest: 100 },
    every: { look: 20, all: 200 },
    withinMs: 1000,
    ...rest,
  })
  const driver = { said, stop: () => (control.abort(), done) }
  drivers.push(driver)
  return driver
}

let jobs = 0
async function push(repo = `${forge.url}/ci/app.git`, n = ++jobs): Promise<{ id: string; sha: string }> {
  const { id } = await queue.jobs.enqueue(aSpec({ repo, commit: aCommit(n) }), { report: true })
  return { id, sha: aCommit(n) }
}
/** The next job is claimed and finished by an agent. */
async function build(more = aResult(), agent = 'a'): Promise<void> {
  const claimed = await queue.agent(agent).claim(`t${++jobs}`, 'default')
  if (claimed.kind === 'job') await queue.agent(agent).finish(claimed.job.id, `t${jobs}`, more)
}
const nothingOwed = (ms?: number) => waitFor('nothing to be owed', async () => (await redis.zcard(keys.status)) === 0, ms)
const last = (sha: string): string | undefined => forge.said(sha).at(-1)

test('pending, running and the result, in this order, with the job’s page', async () => {
  drive()
  const { id, sha } = await push()
  await waitFor('pending', () => last(sha) === 'pending: waits for an agent')
  const agent = queue.agent('a')
  await agent.claim('t', 'default')
  await waitFor('running', () => last(sha) === 'pending: runs')
  await agent.finish(id, 't', aResult({ state: 'failed', reason: 'step test: exit 101' }))
  await nothingOwed()
  expect(forge.said(sha)).toEqual(['pending: waits for an agent', 'pending: runs', 'failure: step test: exit 101'])
  expect(forge.calls[0]!.body).toMatchObject({ target_url: `https://ci.example/jobs/${id}`, context: 'raibid-ci/auto' })
})

test('a forge that is away is told everything when it is back, each job’s end last; it is said once', async () => {
  const driver = drive()
  await forge.down()
  const pushed = []
  for (let i = 0; i < 50; i++) pushed.push(await push())
  await waitFor('the outage to be noticed', () => driver.said.some((line) => line.startsWith('away')))
  for (let i = 0; i < 50; i++) await build(aResult(i % 2 ? {} : { state: 'failed', reason: 'step x: exit 1' }))
  await forge.up()
  await nothingOwed(20_000)
  for (const [i, { sha }] of pushed.entries()) expect(last(sha)).toMatch(i % 2 ? /^success: / : /^failure: step x: exit 1$/)
  expect(driver.said.map((line) => line.split(' ')[0])).toEqual(['away', 'works'])
})

test('errors of the server, and one that answers too late, are tried again; others don’t wait for the one', async () => {
  const [bad, good] = [await push(), await push()]
  let left = 3
  forge.intercept = async ({ path }, response) => {
    if (!path.includes(bad.sha) || left-- <= 0) return false
    if (left === 1) return true // never answers
    json(response, 500, { message: 'database is locked' })
    return true
  }
  drive({ withinMs: 300 })
  await waitFor('the good one', () => last(good.sha))
  await nothingOwed()
  expect(last(bad.sha)).toBe('pending: waits for an agent')
})

test.each([
  [404, { message: 'Not Found' }],
  [422, { message: 'No commit found for SHA' }],
])('what is refused for good (%d) is dropped with the reason, and stands in nobody’s way', async (code, body) => {
  const [bad, good] = [await push(), await push()]
  forge.intercept = ({ path }, response) => path.includes(bad.sha) && (json(response, code, body), true)
  const driver = drive()
  await nothingOwed()
  expect(last(good.sha)).toBe('pending: waits for an agent')
  expect(forge.calls.filter(({ path }) => path.includes(bad.sha))).toHaveLength(3)
  expect(driver.said.filter((line) => line.startsWith('dropped'))).toEqual([expect.stringContaining(body.message)])
  expect((await queue.reader.job(bad.id))!.untold).toEqual([{ forge: forge.url, why: expect.stringContaining(String(code)) }])
})

test('a refusal that a person may mend is waited out, however often all is looked through', async () => {
  const bad = await push()
  forge.intercept = ({ path }, response) => path.includes(bad.sha) && (json(response, 403, { message: 'no right' }), true)
  drive({ waits: { first: 60_000, longest: 60_000 }, every: { look: 5, all: 5 } })
  for (let i = 0; i < 5; i++) {
    const { sha } = await push()
    await waitFor('the next', () => last(sha))
  }
  expect(forge.calls.filter(({ path }) => path.includes(bad.sha))).toHaveLength(1)
  await queue.jobs.cancel(bad.id)
  await waitFor('the second word', () => forge.calls.filter(({ path }) => path.includes(bad.sha)).length === 2)
})

test('a repository of no forge is dropped with the reason', async () => {
  const driver = drive()
  const { id } = await push('https://elsewhere.example/ci/app')
  await nothingOwed()
  expect(driver.said).toEqual(['dropped raibid.yaml has no forge with https://elsewhere.example/ci/app'])
  expect((await queue.reader.job(id))!.untold).toHaveLength(1)
})

test('the word that is on its way while the job ends is followed by the last one', async () => {
  const { sha } = await push()
  let hold: (() => void) | undefined
  forge.intercept = async () => {
    if (forge.calls.length === 1) await new Promise<void>((resolve) => (hold = resolve))
    return false
  }
  drive()
  await waitFor('the first word', () => hold)
  await build()
  hold!()
  await nothingOwed()
  expect(forge.said(sha)).toEqual(['pending: waits for an agent', expect.stringMatching(/^success/)])
})

test('several instances: no word out of order, and what one of them can’t end another does', async () => {
  const pushed = []
  for (let i = 0; i < 40; i++) pushed.push(await push())
  const all = [drive(), drive(), drive()]
  for (let i = 0; i < 20; i++) await build()
  await all[0]!.stop()
  for (let i = 0; i < 20; i++) await build()
  await nothingOwed(20_000)
  for (const { sha } of pushed) {
    expect(last(sha)).toMatch(/^success/)
    // the same word may be said twice, when the job went on while it was said; an earlier one never comes after a later
    const words = forge.said(sha).filter((word, i, all) => word !== all[i - 1])
    expect(words).toHaveLength(new Set(words).size)
  }
})

test('a job is one reporter’s at a time, for each forge, until it is given back, told, or its turn has run out', async () => {
  const { id } = await push()
  const [one, two] = [reporter(redis, 'one'), reporter(redis, 'two')]
  const asked = async (who: typeof one, forge = 'f') => (await who.begin(id, forge, 60_000, ['f', 'g'])).kind
  const begun = await one.begin(id, 'f', 60_000, ['f', 'g'])
  expect([await asked(two), await asked(one), await asked(two, 'g')]).toEqual(['taken', 'yours', 'yours'])
  await one.giveBack(id, 'f')
  expect([await asked(two), await asked(one)]).toEqual(['yours', 'taken'])
  const digest = begun.kind === 'yours' ? begun.digest : ''
  expect(await two.told(id, 'f', digest, ['f', 'g'])).toBe('ok')
  expect([await asked(one), await redis.zcard(keys.status)]).toEqual(['told', 1])
  expect(await two.told(id, 'g', digest, ['f', 'g'])).toBe('ok')
  expect([await asked(one), await redis.zcard(keys.status)]).toEqual(['gone', 0])
  await one.begin(id, 'f', 1, ['f'])
  await queue.jobs.cancel(id)
  expect(await asked(two)).toBe('yours')
})

test('whose turn has run out while it spoke makes the job owed again, also for the one that spoke after it', async () => {
  const { id } = await push()
  const [late, next] = [reporter(redis, 'late'), reporter(redis, 'next')]
  const begun = await late.begin(id, 'f', 1, ['f'])
  await build()
  const second = await waitFor('the turn', async () => {
    const got = await next.begin(id, 'f', 60_000, ['f'])
    return got.kind === 'yours' ? got : null
  })
  expect(begun.kind === 'yours' && (await late.told(id, 'f', begun.digest, ['f']))).toBe('again')
  // `late` may have been the last to be heard: `next` must speak once more
  expect(await next.told(id, 'f', second.digest, ['f'])).toBe('again')
  expect(await redis.zcard(keys.status)).toBe(1)
})

test('a mirror: GitHub is told too, and its outage holds up nobody else', async () => {
  const hub = await startFakeForge()
  await hub.down()
  drive({ forges: [forgeAt('gitea', forge.url), forgeAt('github', hub.url)], githubOf: () => 'raibid/app' })
  const { sha } = await push()
  await build()
  await waitFor('Gitea', () => last(sha)?.startsWith('success'))
  expect(await redis.zcard(keys.status)).toBe(1)
  const told = forge.calls.length
  await hub.up()
  await nothingOwed(20_000)
  // a word whose answer comes too late is said again
  expect(hub.said(sha).map((text) => text.split(':')[0])).toContain('success')
  expect(hub.said(sha).filter((text) => !text.startsWith('success'))).toEqual([])
  expect(hub.calls[0]!.path).toBe(`/api/v3/repos/raibid/app/statuses/${sha}`)
  expect(forge.calls).toHaveLength(told)
  await hub.down()
})

test('a token that is missing is no reason to give up: it may be given later', async () => {
  let token = ''
  const own = { ...forgeAt('gitea', forge.url), token: () => token || expect.fail('no token') }
  const driver = drive({ forges: [own] })
  const { sha } = await push()
  await waitFor('the trouble', () => driver.said.some((line) => line.includes('no token')))
  token = 'hush'
  await nothingOwed()
  expect(last(sha)).toBe('pending: waits for an agent')
})

test('a Redis that is away is waited for', async () => {
  drive()
  const first = await push()
  await nothingOwed()
  await server.kill()
  await server.start()
  const second = await push()
  await nothingOwed(20_000)
  for (const { sha } of [first, second]) expect(last(sha)).toBe('pending: waits for an agent')
})
