import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { flux } from '#lib/cluster/components/flux.ts'
import { gitea } from '#lib/cluster/components/gitea.ts'
import { gone, stuck } from '#lib/cluster/components/gone.ts'
import { giteaSetup } from '#lib/cluster/components/gitea-setup.ts'
import { keda } from '#lib/cluster/components/keda.ts'
import { namespaces } from '#lib/cluster/components/namespaces.ts'
import { postgres } from '#lib/cluster/components/postgres.ts'
import { redis } from '#lib/cluster/components/redis.ts'
import { syncFinding } from '#lib/cluster/gitops/state.ts'
import { kustomizationRef, sourceRef } from '#lib/cluster/gitops/sync.ts'
import { cluster } from '#lib/contract.ts'
import { look } from '#lib/bootstrap/look.ts'
import { apiStore } from '#test/helpers/api-store.ts'
import { contextFor, walk } from '#test/helpers/bootstrapped.ts'
import { status, type Answer, type Heard } from '#test/helpers/fake-api.ts'

const namespace = cluster.infrastructure
const database = { apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.giteaDatabaseSecret, namespace } }
const quick = { ...redis, needs: [], settlesWithinMs: 10 }
let api: Awaited<ReturnType<typeof apiStore>>
let ctx: ClusterContext
async function open(refuse?: (heard: Heard) => Answer | undefined): Promise<void> {
  api = await apiStore(refuse)
  ctx = await contextFor(api.kubeconfig)
}
afterEach(async () => {
  ctx.forgetKube()
  await api.stop()
})

const pod = (name: string, own: object) =>
  api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { containers: [{ name: 'redis' }] }, ...own })
const event = (about: string, reason: string, message: string) =>
  api.put({
    ...{ apiVersion: 'v1', kind: 'Event', metadata: { name: `${about}.1`, namespace }, type: 'Warning', reason, message },
    involvedObject: { name: about },
  })
const waiting = (reason: string, message: string, restartCount = 0) => ({
  status: {
    phase: 'Pending',
    containerStatuses: [{ name: 'redis', restartCount, ready: false, state: { waiting: { reason, message } } }],
  },
})

describe('what goes wrong is said with its reason', () => {
  test('an image that can’t be pulled: the pod’s own words, and its events', async () => {
    await open()
    await redis.apply(ctx)
    pod('redis-0', waiting('ImagePullBackOff', 'no such image'))
    event('redis-0', 'Failed', 'toomanyrequests')
    const found = await redis.check(ctx)
    expect(found.state).toBe('degraded')
    expect(found.reason).toBe(
      'StatefulSet redis has 0 of 1 pods ready: pod redis-0: container redis waits: ImagePullBackOff: no such image',
    )
    expect(found.evidence).toContain('Failed: toomanyrequests')
    expect(await walk([quick], ctx)).toEqual([
      expect.stringMatching(/^redis: failed \(it was made, and is not well after 0.01 s: .*ImagePullBackOff/),
    ])
  })

  test('one that crashes: the last lines before it did', async () => {
    await open()
    await redis.apply(ctx)
    pod('redis-0', waiting('CrashLoopBackOff', 'back-off', 3))
    api.logs.set(`/api/v1/namespaces/${namespace}/pods/redis-0/log`, 'starts\nFatal error, can’t open the append-only file\n')
    expect((await redis.check(ctx)).evidence).toContain('redis: Fatal error, can’t open the append-only file')
    const asked = api.heard.find(({ path }) => path.endsWith('/log'))!.query
    expect([asked.get('previous'), asked.get('tailLines')]).toEqual(['true', '5'])
  })

  test('a volume that nobody provides', async () => {
    await open()
    await redis.apply(ctx)
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-redis-0' } }]
    pod('redis-0', { spec: { volumes, containers: [{ name: 'redis' }] }, status: { phase: 'Pending' } })
    api.put({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data-redis-0', namespace },
      status: { phase: 'Pending' },
    })
    event('data-redis-0', 'ProvisioningFailed', 'storageclass "fast" not found')
    const found = await redis.check(ctx)
    expect(found.reason).toBe('StatefulSet redis has 0 of 1 pods ready: volume data-redis-0 is Pending')
    expect(found.evidence).toContain('ProvisioningFailed: storageclass "fast" not found')
  })

  test('an admission webhook that refuses: by name, and nothing after it is made', async () => {
    await open(({ method, body, query }) =>
      method === 'PATCH' && body.kind === 'StatefulSet' && !query.get('dryRun')
        ? status(403, 'Forbidden', 'admission webhook "policy.example" denied the request: no volumes')
        : undefined,
    )
    const [said] = await walk([quick], ctx)
    expect(said).toMatch(
      /^redis: failed \(.* does not admit StatefulSet redis in infrastructure: admission webhook "policy.example" denied/,
    )
    expect(api.get({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'redis', namespace } })).toBeUndefined()
    // what was made is taken up by the next run, and not made twice
    expect((await redis.check(ctx)).reason).toBe('StatefulSet infrastructure/redis is missing')
  })

  test('a role that is missing: what to ask for', async () => {
    await open(({ method, path }) =>
      method === 'GET' && path.includes('/secrets/')
        ? status(403, 'Forbidden', 'secrets "x" is forbidden: User "me" cannot get resource "secrets"')
        : undefined,
    )
    const found = await look(redis, ctx)
    expect(found.state).toBe('degraded')
    expect(found.reason).toMatch(/^not allowed to get Secret .*cannot get resource "secrets"; ask for a role that may$/)
    expect(api.writes()).toEqual([])
  })

  test('an API server that goes in the middle: a second run goes on where it was', async () => {
    let left = 4
    await open(({ method, query }) =>
      method === 'PATCH' && !query.get('dryRun') && left-- <= 0 ? (response) => void response.destroy() : undefined,
    )
    const [said] = await walk([quick], ctx)
    expect(said).toMatch(/^redis: failed \(cannot reach Kubernetes/)
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.redisAclSecret, namespace } }
    const before = api.get(secret).data
    left = Infinity
    await redis.apply(ctx)
    expect(api.get(secret).data).toEqual(before)
    const found = await redis.check(ctx)
    expect(found.reason).toBe('StatefulSet redis has 0 of 1 pods ready')
  })
})

test('gitea-setup that was interrupted before it made the agents’ user goes on there', async () => {
  const answers: Record<string, [number, unknown]> = {
    '/api/v1/user': [200, { login: 'raibid' }],
    '/api/v1/orgs/platform': [200, {}],
    '/api/v1/repos/platform/fleet': [200, { id: 1, name: 'fleet', owner: { login: 'platform' }, clone_url: 'x', private: true }],
    // as 1.27.3 says it
    '/api/v1/repos/platform/fleet/collaborators/agents': [422, { message: 'user does not exist [uid: 0, name: agents]' }],
  }
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!
    asked.push(path)
    const [code, body] = answers[path] ?? (path.endsWith('hooks') ? [200, []] : [404, { message: 'not found' }])
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  vi.stubEnv('RAIBID_GITEA_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await open()
  await gitea.apply(ctx)
  const found = await look(giteaSetup, ctx)
  vi.unstubAllEnvs()
  server.close()
  expect(found.evidence?.slice(0, 2)).toEqual(['there is no user agents', 'agents may not read platform/fleet'])
})

describe('what is taken away', () => {
  const cut = (n: number) => {
    let left = n
    return ({ method }: Heard): Answer | undefined =>
      method === 'DELETE' && left-- <= 0 ? (response) => void response.destroy() : undefined
  }
  test.each([0, 1, 2, 3, 5, 8])('interrupted after %i deletes, the rest is found again', async (n) => {
    let refuse = cut(n)
    await open((heard) => refuse(heard))
    for (const one of [namespaces, redis]) await one.apply(ctx)
    const [done] = await Promise.allSettled([redis.remove!(ctx)])
    refuse = () => undefined
    if (done.status === 'rejected') expect((await redis.check(ctx)).state).toBe('degraded')
    await redis.remove!(ctx)
    expect((await redis.check(ctx)).state).toBe('absent')
    expect(JSON.stringify(api.all())).not.toContain('redis-acl')
  })

  test('a namespace that does not go is not gone; who can’t look says so', async () => {
    await open()
    await namespaces.apply(ctx)
    for (const one of api.all())
      if (one.kind === 'Namespace') api.put({ ...one, metadata: { ...one.metadata, deletionTimestamp: 'now' } })
      else await (await ctx.kube()).remove(one)
    expect(await namespaces.check(ctx)).toMatchObject({ state: 'degraded', reason: expect.stringContaining('is being deleted') })
    await api.stop()
    await expect(
      gone(await ctx.kube(), [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ci' } }], ctx),
    ).rejects.toThrow('cannot reach Kubernetes')
  })

  test('Flux of which a teardown has left the namespace is not gone', async () => {
    await open()
    expect(await flux.check(ctx)).toEqual({ state: 'absent' })
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: cluster.flux } })
    expect(await flux.check(ctx)).toMatchObject({ state: 'degraded', reason: 'Deployment source-controller does not exist' })
  })

  test('Flux whose own list can’t be had: nothing is taken away by halves', async () => {
    const kinds = [{ name: 'kustomizations', kind: 'Kustomization', namespaced: true }]
    await open(({ path }) => (path === '/apis/kustomize.toolkit.fluxcd.io/v1' ? { body: { resources: kinds } } : undefined))
    const bare = await contextFor(api.kubeconfig, '', { airgap: mkdtempSync(join(tmpdir(), 'raibid-airgap-')) })
    await expect(flux.remove!(bare)).rejects.toThrow('flux-install.yaml')
    bare.forgetKube()
    expect(api.heard.filter(({ method }) => method === 'DELETE')).toEqual([])
  })

  test('KEDA alone: Flux has Helm do it and stays as it is; interrupted it goes on; bootstrap has it back', async () => {
    const kinds: Record<string, [string, string][]> = {
      '/apis/helm.toolkit.fluxcd.io/v2': [['helmreleases', 'HelmRelease']],
      '/apis/kustomize.toolkit.fluxcd.io/v1': [['kustomizations', 'Kustomization']],
      '/apis/source.toolkit.fluxcd.io/v1': [['gitrepositorys', 'GitRepository']],
      '/apis/apiextensions.k8s.io/v1': [['customresourcedefinitions', 'CustomResourceDefinition']],
    }
    await open(({ path }) => {
      const resources = kinds[path]?.map(([name, kind]) => ({ name, kind, namespaced: kind !== 'CustomResourceDefinition' }))
      return resources && { body: { resources } }
    })
    const folder = kustomizationRef('keda')
    const release = {
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: 'keda', namespace: 'keda' },
    }
    const definition = (name: string) => ({
      ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name } },
    })
    const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }], lastAppliedRevision: 'main@sha1:abc' } }
    for (const one of [sourceRef, ...['flux-system', 'infrastructure', 'keda', 'agents'].map(kustomizationRef)])
      api.put({ ...one, spec: {}, ...ready })
    for (const one of [release, definition('scaledjobs.keda.sh')]) api.put(one)
    await keda.remove!(ctx)
    expect([api.get(release), api.get(definition('scaledjobs.keda.sh'))]).toEqual([undefined, undefined])
    expect(api.get(folder).spec).toEqual({ suspend: true })
    expect((await syncFinding(await ctx.kube(), ctx.signal, 'abc')).state).toBe('healthy')

    api.put(definition('scaledobjects.keda.sh'))
    await keda.remove!(ctx)
    expect(api.get(definition('scaledobjects.keda.sh'))).toBeUndefined()

    await keda.apply(ctx)
    expect(api.get(folder).spec).toEqual({ suspend: null })
    // what a person has suspended stays so
    api.put({ ...folder, spec: { suspend: true } })
    await keda.apply(ctx)
    expect(api.get(folder).spec).toEqual({ suspend: true })
    expect((await syncFinding(await ctx.kube(), ctx.signal, 'abc')).reason).toContain('keda is suspended')
  })

  test('Gitea alone: PostgreSQL keeps the password that it was made with', async () => {
    await open()
    for (const one of [postgres, gitea]) await one.apply(ctx)
    const before = api.get(database).data
    await gitea.remove!(ctx)
    expect([api.get(database)?.data, (await gitea.check(ctx)).state]).toEqual([before, 'absent'])
    await postgres.remove!(ctx)
    expect(api.get(database)).toBeUndefined()
  })

  test('the database’s Secret that somebody deleted is made of what Gitea knows: PostgreSQL has no other password', async () => {
    await open()
    for (const one of [postgres, gitea]) await one.apply(ctx)
    const before = api.get(database).data
    await (await ctx.kube()).remove(database)
    expect((await postgres.check(ctx)).reason).toBe('Secret infrastructure/gitea-postgres is missing')
    await postgres.apply(ctx)
    expect(api.get(database).data).toEqual(before)
  })

  test('what holds an object is said: its finalizers, or Kubernetes’ own words of a namespace', () => {
    const one = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', finalizers: ['x.example/keep'] } }
    expect(stuck(one)).toBe('ConfigMap a (its finalizers are x.example/keep)')
    const conditions = [
      { type: 'NamespaceContentRemaining', status: 'True', message: 'configmaps. has 1 resource instances' },
      { type: 'NamespaceDeletionDiscoveryFailure', status: 'False', message: 'all is well' },
    ]
    expect(stuck({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ci' }, status: { conditions } })).toBe(
      'Namespace ci (configmaps. has 1 resource instances)',
    )
  })
})

test('an admission webhook that does not answer is named, not the API server', async () => {
  await open(({ method, query }) =>
    method === 'PATCH' && !query.get('dryRun')
      ? status(500, 'InternalError', 'Internal error occurred: failed calling webhook "policy.example": connection refused')
      : undefined,
  )
  const [said] = await walk([quick], ctx)
  expect(said).toMatch(/^redis: failed \(.* asks an admission webhook about Secret .*, which does not answer: .*policy.example/)
  expect(said).not.toContain('etcd')
})

test('what is being deleted is waited for, and made anew: what is applied to it would go with it', async () => {
  await open()
  await namespaces.apply(ctx)
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: cluster.redis, namespace } }
  api.put({ ...service, metadata: { ...service.metadata, uid: 'old', deletionTimestamp: '2026-01-01T00:00:00Z' } })
  const applied = redis.apply(ctx)
  await expect.poll(() => api.heard.filter(({ path }) => path.endsWith('/services/redis')).length).toBeGreaterThan(2)
  expect(api.writes().filter(({ path }) => path.endsWith('/services/redis'))).toEqual([])
  api.drop(service)
  await applied
  expect(api.get(service).metadata.uid).not.toBe('old')
})

describe('what is there is left alone', () => {
  test('a plan writes nothing; a second apply writes nothing', async () => {
    await open()
    for (const one of [namespaces, redis, gitea]) {
      expect((await one.check(ctx)).state).toBe('absent')
      expect((await one.plan(ctx, { state: 'absent' })).length).toBeGreaterThan(3)
      expect(api.writes()).toEqual([])
      await one.apply(ctx)
      const count = api.writes().length
      await one.apply(ctx)
      expect(api.writes().length).toBe(count)
      api.heard.length = 0
    }
  })

  test('passwords are in no plan, and what Flux keeps is not written over', async () => {
    await open()
    await gitea.apply(ctx)
    const secret = api.get({ apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.giteaAdminSecret, namespace } })
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gitea', namespace } }
    const live = api.get(ref)
    const flux = { 'kustomize.toolkit.fluxcd.io/name': 'infrastructure' }
    api.put({ ...live, metadata: { ...live.metadata, labels: flux }, data: { GITEA__log__LEVEL: 'Debug' } })
    await gitea.apply(ctx)
    expect(api.get(ref).data).toEqual({ GITEA__log__LEVEL: 'Debug' })
    const said = JSON.stringify([
      await gitea.check(ctx),
      await gitea.plan(ctx, { state: 'absent' }),
      await gitea.plan(ctx, { state: 'degraded' }),
    ])
    for (const text of Object.values(secret.data as Record<string, string>).map((one) => Buffer.from(one, 'base64').toString()))
      if (text !== 'raibid') expect(said).not.toContain(text)
  })
})
