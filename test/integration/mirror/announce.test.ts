import { afterEach, beforeEach, expect, test } from 'vitest'
import { routes } from '#lib/contract.ts'
import { startFakeGitea, type FakeGitea } from '#test/helpers/fake-gitea.ts'
import { mirrorWorld, type MirrorWorld } from '#test/helpers/mirror-world.ts'
import { roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'

let ours: FakeGitea
let source: FakeGitea
let redis: TestRedis
let world: MirrorWorld
beforeEach(async () => {
  ;[ours, source, redis] = await Promise.all([startFakeGitea(), startFakeGitea(), startRedis()])
  const more = {
    RAIBID_REDIS_URL: redis.url,
    RAIBID_WEBHOOK_SECRET: 'a secret of sixteen',
    RAIBID_PUBLIC_URL: 'https://ci.example',
  }
  world = mirrorWorld(ours, source, more, 'repositories:\n  - { match: mirrors/lib, enabled: false }\n  - { match: mirrors/* }\n')
  for (const name of ['app', 'lib']) source.make('org', name)
})
afterEach(async () => {
  world.remove()
  await Promise.all([ours.close(), source.close(), redis.stop()])
})
const mirror = (...args: string[]) => world.task('mirror-org', [`gitea:org@${source.url}`, '--owner', 'mirrors', ...args])
const jobs = async () => roles(redis.client()).reader.jobs({ limit: 10 })

test('new mirrors are heard of by one webhook of their organisation, and built once where the policy says so', async () => {
  const { code, stderr } = await mirror('--build')
  expect(code, stderr).toBe(0)
  expect(ours.hooks.get('org mirrors')).toMatchObject([
    { config: { url: `https://ci.example${routes.webhook('gitea')}` }, active: true },
  ])
  expect(stderr).toContain('mirrors/lib is not built: mirrors/lib is not enabled in raibid.yaml')
  const built = await jobs()
  expect(built).toMatchObject([{ repo: `${ours.url}/mirrors/app.git`, branch: 'main', about: { repository: 'mirrors/app' } }])
  expect(built[0]!.commit).toMatch(/^[0-9a-f]{40}$/)
  // its mark is lost, as by a kill between build and mark: the same job
  ours.at('mirrors', 'app')!.topics = []
  expect(await mirror('--build')).toMatchObject({ code: 0, stderr: expect.stringContaining('1 to update') })
  expect(await jobs()).toHaveLength(1)
  expect(ours.hooks.get('org mirrors')).toHaveLength(1)
})

test('without --build nothing is; a queue that is away keeps no mirror from being made', async () => {
  await mirror()
  expect(await jobs()).toEqual([])
  await redis.kill()
  source.make('org', 'third')
  const { code, stderr } = await mirror('--build')
  expect(code).toBe(0)
  expect(stderr).toMatch(/! mirrors\/third is not built: cannot reach Redis at/)
  expect(ours.at('mirrors', 'third')!.topics).toHaveLength(1)
  await redis.start()
})

test('among machines: who holds the lease is named, and a dead one on this machine is not waited for', async () => {
  const client = redis.client()
  await mirror('--dry-run')
  const { takeMirrorLease } = await import('#lib/queue/mirror-lease.ts')
  const other = await takeMirrorLease(client, ours.url, 'rescan, process 1 on another-machine since yesterday')
  expect(await mirror()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('(rescan, process 1 on another-machine since yesterday)'),
  })
  expect(ours.repos).toEqual([])
  if (other.held) await other.release()
  const { hostname } = await import('node:os')
  await takeMirrorLease(client, ours.url, `rescan, process 1 on ${hostname()} since yesterday`)
  expect(await mirror()).toMatchObject({ code: 0 })
  expect(await client.keys('ci-mirror-lease:*')).toEqual([])
})
