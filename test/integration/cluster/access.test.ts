import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { access } from '#lib/cluster/components/access.ts'
import { noteConnect, readAccess } from '#lib/cluster-access.ts'
import { forward } from '#lib/cluster/forward.ts'
import { loadLogin } from '#lib/cluster/kubeconfig.ts'
import { secret } from '#lib/cluster/secret.ts'
import { clusterWebhookSecret } from '#lib/cluster/serve-secret.ts'
import { cluster, files } from '#lib/contract.ts'
import { look } from '#lib/bootstrap/look.ts'
import { apiStore } from '#test/helpers/api-store.ts'
import { contextFor } from '#test/helpers/bootstrapped.ts'
import { needs } from '#test/helpers/needs.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { runTask } from '#test/helpers/run-process.ts'

needs('redis-server').describe('the way from this machine to a cluster', () => {
  const { namespace, infrastructure } = cluster
  let redis: TestRedis
  let api: Awaited<ReturnType<typeof apiStore>>
  let ctx: ClusterContext
  const service = (clusterIP: string) =>
    api.put({
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: cluster.redis, namespace: infrastructure } },
      spec: { clusterIP },
    })
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    const nodes = {
      metadata: {},
      items: [{ metadata: { name: 'n' }, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] } }],
    }
    api = await apiStore(({ path }) => (path === '/api/v1/nodes' ? { body: nodes } : undefined))
    ctx = await contextFor(api.kubeconfig)
    service('127.0.0.1')
    api.put(secret(cluster.redisAppSecret, namespace, { url: `redis://redis.infrastructure.svc:${redis.port}` }))
    api.put(secret(cluster.agentSecret, namespace, { 'secret-key': 'ab'.repeat(32) }))
    api.put(secret(cluster.giteaConsoleSecret, infrastructure, { token: 'hush' }))
  })
  afterEach(async () => {
    ctx.forgetKube()
    await api.stop()
  })
  const file = () => join(ctx.home, files.clusterAccess)

  test('is noted for its owner alone; then tasks find the queue, and nothing is left to do', async () => {
    expect((await look(access, ctx)).state).toBe('absent')
    await access.apply(ctx)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(readAccess(ctx.home)).toMatchObject({
      redisUrl: `redis://127.0.0.1:${redis.port}`,
      gitea: { url: 'http://192.0.2.7:30300', aliases: ['http://gitea.infrastructure.svc:30300'], token: 'hush' },
      serveUrl: 'http://192.0.2.7:30808',
    })
    const before = readFileSync(file(), 'utf8')
    expect(await access.check(ctx)).toEqual({
      state: 'healthy',
      reason: 'pages: http://192.0.2.7:30808, Gitea: http://192.0.2.7:30300',
    })
    expect(readFileSync(file(), 'utf8')).toBe(before)
    const { code, stdout } = await runTask('tasks/jobs/queue.ts', ['--json'], { env: { RAIBID_HOME: ctx.home } })
    expect([code, JSON.parse(stdout).held]).toEqual([0, 0])
    expect(api.writes()).toEqual([])
  })

  test('what changed in the cluster since is named, without its value, and noted anew', async () => {
    await access.apply(ctx)
    api.put(secret(cluster.giteaConsoleSecret, infrastructure, { token: 'newer' }))
    expect(await access.check(ctx)).toEqual({ state: 'degraded', reason: 'what is noted here is not so any more: gitea' })
    await access.apply(ctx)
    expect(readAccess(ctx.home)!.gitea.token).toBe('newer')
  })

  test('a note that is damaged, or readable by others, is made anew', async () => {
    mkdirSync(dirname(file()), { recursive: true })
    writeFileSync(file(), '{')
    expect((await access.check(ctx)).state).toBe('absent')
    await access.apply(ctx)
    expect((await access.check(ctx)).state).toBe('healthy')
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  })

  test('a cluster whose insides can’t be reached: said, with what to do, and pages and Gitea all the same', async () => {
    service('127.0.0.2')
    api.put(secret(cluster.redisAppSecret, namespace, { url: 'redis://redis.infrastructure.svc:1' }))
    await access.apply(ctx)
    expect(readAccess(ctx.home)).toMatchObject({ redisUrl: null, serveUrl: 'http://192.0.2.7:30808' })
    expect((await access.check(ctx)).reason).toMatch(/the queue is reached with just connect$/)
    const { code, stderr } = await runTask('tasks/jobs/jobs.ts', [], { env: { RAIBID_HOME: ctx.home } })
    expect([code, stderr]).toEqual([3, expect.stringContaining('run `just connect`, and leave it open beside this')])
    // what is open now is not what was noted, and nothing is wrong with it
    const forget = noteConnect(ctx.home, 'redis://127.0.0.1:7')
    expect((await access.check(ctx)).state).toBe('healthy')
    forget()
  })

  test('a Secret that is missing is named; nothing is noted', async () => {
    api.put(secret(cluster.agentSecret, namespace, {}))
    await expect(access.apply(ctx)).rejects.toThrow('Secret ci/agent has no secret-key; run `just bootstrap`')
    expect(readAccess(ctx.home)).toBeNull()
    expect((await look(access, ctx)).state).toBe('absent')
  })

  test('just connect: a port that another program has is said', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const to = { namespace: infrastructure, pod: 'redis-0', port: 6379 }
    const opened = forward(await loadLogin({ kubeconfig: api.kubeconfig }), to, { listen: port, tell: () => {} })
    await expect(opened).rejects.toThrow(new RegExp(`^port ${port} of 127.0.0.1 can’t be had: .*EADDRINUSE`))
    taken.close()
  })

  test('a webhook for serve of the cluster is signed by the cluster’s secret', async () => {
    const choice = { kubeconfig: api.kubeconfig }
    await expect(clusterWebhookSecret(choice)).rejects.toThrow('Secret ci/serve has no webhook-secret; run `just bootstrap`')
    api.put(secret(cluster.serveSecret, namespace, { 'webhook-secret': 'theirs' }))
    expect(await clusterWebhookSecret(choice)).toBe('theirs')
  })

  test('removing it leaves tasks with the local pool', async () => {
    await access.apply(ctx)
    await access.remove!(ctx)
    expect(readAccess(ctx.home)).toBeNull()
  })
})

test('without a cluster there is none', async () => {
  const away = await contextFor('/nowhere/kubeconfig')
  expect((await look(access, away)).state).toBe('absent')
})

test.each([
  [['--port', '70000'], '--port: 70000 is not a port: 0 to 65535'],
  [[], 'there is no cluster to connect to: make one with `just bootstrap`'],
])('just connect %s says what is wrong', async (args, words) => {
  const { code, stderr } = await runTask('tasks/cluster/connect.ts', args, { env: { RAIBID_HOME: '/nowhere' } })
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
})
