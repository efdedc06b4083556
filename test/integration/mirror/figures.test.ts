import { afterEach, beforeEach, expect, test } from 'vitest'
import { mirrorFigures } from '#lib/server/mirror-figures.ts'
import { startFakeGitea, type FakeGitea, type FakeRepo } from '#test/helpers/fake-gitea.ts'
import { startRedis } from '#test/helpers/redis-server.ts'
import { startServe } from '#test/helpers/serve.ts'
import { waitFor } from '#test/helpers/wait-for.ts'
import { mirrorWorld } from '#test/helpers/mirror-world.ts'

let gitea: FakeGitea
let stop: AbortController
beforeEach(async () => {
  gitea = await startFakeGitea()
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await gitea.close()
})

const before = (ms: number): string => new Date(Date.now() - ms).toISOString().replace(/\.\d+Z$/, 'Z')
const hour = 3_600_000
/** A mirror that was made two days ago, and synchronised and tried so long ago. */
function mirror(name: string, synced: number | null, tried = synced ?? 48 * hour, more: Partial<FakeRepo> = {}): FakeRepo {
  return gitea.make('mirrors', name, {
    ...{ mirror: true, mirror_interval: '8h0m0s', created_at: before(48 * hour), mirror_updated: before(tried) },
    ...{ mirror_last_sync_at: synced === null ? '1970-01-01T00:00:00Z' : before(synced), ...more },
  })
}
const figures = (more = {}) =>
  mirrorFigures({ forge: { url: gitea.url, token: () => gitea.token }, signal: stop.signal, everyMs: 0, followMs: 50, ...more })
const line = (text: string, start: string): string | undefined => text.split('\n').find((one) => one.startsWith(start))

test('how many mirrors are in which state, and how old the last success is', async () => {
  mirror('fresh', hour)
  mirror('stale', 30 * hour)
  const failing = mirror('failing', 2 * hour, hour)
  mirror('new', null)
  mirror('paused', 100 * hour, 100 * hour, { mirror_interval: '0s' })
  mirror('gone', 100 * hour, 50 * hour, { mirror_interval: '0s', topics: ['rb-gone'] })
  mirror('cloning', null, 0, { mirror_interval: '', mirror_updated: '0001-01-01T00:00:00Z' })
  const { text } = figures()
  const first = await text()
  expect(first.match(/^raibid_mirrors\{.*$/gm)).toEqual([
    'raibid_mirrors{state="fresh"} 1',
    'raibid_mirrors{state="stale"} 2',
    'raibid_mirrors{state="diverged"} 0',
    'raibid_mirrors{state="failing"} 1',
    'raibid_mirrors{state="never"} 1',
    'raibid_mirrors{state="paused"} 1',
    'raibid_mirrors{state="gone"} 1',
  ])
  expect(Number(line(first, 'raibid_mirror_lag_seconds{mirror="mirrors/fresh"}')!.split(' ')[1])).toBeCloseTo(3600, -2)
  expect(first).not.toMatch(/lag_seconds\{mirror="mirrors\/(?:gone|paused|cloning)"/)
  expect(first).not.toMatch(/sync_errors_total\{/)
  // the next try fails as well
  failing.mirror_updated = before(0)
  expect(line(await text(), 'raibid_mirror_sync_errors_total{')).toBe(
    'raibid_mirror_sync_errors_total{mirror="mirrors/failing"} 1',
  )
  expect(line(await text(), 'raibid_mirror_sync_errors_total{')).toBe(
    'raibid_mirror_sync_errors_total{mirror="mirrors/failing"} 1',
  )
})

test('Gitea is asked once a minute, however often metrics are, and one that is away keeps nobody', async () => {
  mirror('fresh', hour)
  const { text } = figures({ everyMs: 60_000, patienceMs: 200 })
  await Promise.all([text(), text(), text()])
  await text()
  expect(gitea.calls).toHaveLength(1)
  const slow = figures({ patienceMs: 100 })
  gitea.fate = () => new Promise(() => {})
  const begun = Date.now()
  expect(line(await slow.text(), 'raibid_mirrors_looked_at_seconds')).toBe('raibid_mirrors_looked_at_seconds 0')
  expect(Date.now() - begun).toBeLessThan(2000)
})

test('a sync that is asked for is followed to its end, well or not', async () => {
  const good = mirror('good', hour)
  const bad = mirror('bad', hour)
  const { text, follow } = figures()
  const asked = Date.now()
  const both = [follow({ owner: 'mirrors', name: 'good' }, asked), follow({ owner: 'mirrors', name: 'bad' }, asked)]
  good.mirror_updated = good.mirror_last_sync_at = before(0)
  bad.mirror_updated = before(0)
  await Promise.all(both)
  const now = await text()
  expect(line(now, 'raibid_mirror_sync_duration_seconds_count{outcome="success"}')).toMatch(/ 1$/)
  expect(line(now, 'raibid_mirror_sync_duration_seconds_count{outcome="failed"}')).toMatch(/ 1$/)
  await follow({ owner: 'mirrors', name: 'none' }, asked)
})

test('serve has them among its metrics', async () => {
  const redis = await startRedis()
  const world = mirrorWorld(gitea, { url: 'http://127.0.0.1:1', token: 'x' })
  mirror('fresh', hour)
  const serve = await startServe({ ...world.env, RAIBID_REDIS_URL: redis.url })
  const text = await waitFor('metrics', async () => (await serve.get('/metrics')).text())
  expect(line(text, 'raibid_mirrors{state="fresh"}')).toBe('raibid_mirrors{state="fresh"} 1')
  expect(line(text, 'raibid_jobs_held')).toBe('raibid_jobs_held 0')
  await serve.end()
  await redis.stop()
  world.remove()
})
