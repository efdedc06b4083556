import { afterEach, expect, test } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { waitFor as waitForObject } from '#lib/cluster/wait.ts'
import { UnreachableError } from '#lib/errors.ts'
import { fakeApi, status, type Answer, type Heard } from '#test/helpers/fake-api.ts'

let api: Awaited<ReturnType<typeof fakeApi>>
let kube: Kube
async function serve(answer: (heard: Heard, nth: number) => Answer): Promise<void> {
  api = await fakeApi(answer)
  kube = await openKube({ kubeconfig: api.kubeconfig })
}
afterEach(async () => {
  kube.close()
  await api.stop()
})

const map: KubeObject & { data: object } = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', namespace: 'ci' },
  data: { a: '1' },
}
const kindsOfV1 = { body: { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true }] } }

test('an apply says who we are, forces only when asked, and a dry run is one', async () => {
  await serve(({ path }) => (path === '/api/v1' ? kindsOfV1 : { body: map }))
  await kube.apply(map)
  await kube.apply(map, { force: true, dryRun: true })
  const [plain, forced] = api.heard.filter(({ method }) => method === 'PATCH')
  expect(plain).toMatchObject({
    path: '/api/v1/namespaces/ci/configmaps/x',
    contentType: 'application/apply-patch+yaml',
    body: map,
  })
  expect(Object.fromEntries(plain!.query)).toEqual({ fieldManager: 'raibid-ci' })
  expect(Object.fromEntries(forced!.query)).toEqual({ fieldManager: 'raibid-ci', force: 'true', dryRun: 'All' })
  expect(api.heard.filter(({ path }) => path === '/api/v1')).toHaveLength(1)
})

test('a diff is what an apply would change, and writes nothing', async () => {
  const live = { ...map, metadata: { ...map.metadata, uid: 'u', resourceVersion: '1', managedFields: [] } }
  await serve(({ path, method }) => {
    if (path === '/api/v1') return kindsOfV1
    return { body: method === 'GET' ? live : { ...live, data: { a: '2' }, metadata: { ...live.metadata, resourceVersion: '2' } } }
  })
  expect(await kube.diff({ ...map, data: { a: '2' } } as KubeObject)).toEqual([{ path: 'data.a', from: '1', to: '2' }])
  expect(api.heard.filter(({ method }) => method === 'PATCH').map(({ query }) => query.get('dryRun'))).toEqual(['All'])
})

test('a list is all pages, at the version of the first', async () => {
  await serve(({ query }) =>
    query.get('continue')
      ? { body: { metadata: { resourceVersion: '9' }, items: [{ metadata: { name: 'b' } }] } }
      : { body: { metadata: { resourceVersion: '7', continue: 'more' }, items: [{ metadata: { name: 'a' } }] } },
  )
  const all = await kube.list({ apiVersion: 'v1', kind: 'Pod', namespace: 'ci', labels: 'a=b' })
  expect([all.items.map(({ metadata, kind }) => `${kind} ${metadata.name}`), all.version]).toEqual([['Pod a', 'Pod b'], '7'])
  expect(api.heard[0]!.query.get('labelSelector')).toBe('a=b')
})

test.each([
  [401, 'Unauthorized', 'Unauthorized', /does not accept these credentials \(to get Pod p in ci\)/],
  [
    403,
    'Forbidden',
    'pods "p" is forbidden: User "u" cannot get resource "pods"',
    /^not allowed to get Pod p in ci on http.*User "u"/,
  ],
  [
    403,
    'Forbidden',
    'pods "p" is forbidden: violates PodSecurity "restricted"',
    /does not admit Pod p in ci: .*violates PodSecurity/,
  ],
  [422, 'Invalid', 'spec.x: Required value', /refuses Pod p in ci: spec\.x: Required value/],
])('%i %s is said in a sentence', async (code, reason, message, sentence) => {
  await serve(() => status(code, reason, message))
  await expect(kube.get({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ci' } })).rejects.toThrow(sentence)
})

test('a conflict of an apply names the fields and who has set them', async () => {
  const causes = [{ field: '.data.a', message: 'conflict with "kubectl"' }]
  await serve(({ path }) => (path === '/api/v1' ? kindsOfV1 : status(409, 'Conflict', 'Apply failed', { causes })))
  await expect(kube.apply(map)).rejects.toThrow(/fields of ConfigMap x in ci: \.data\.a \(conflict with "kubectl"\); force/)
})

test('what is not there is null, and deleting it is false', async () => {
  await serve(() => status(404, 'NotFound', 'no'))
  const ref = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ci' } }
  expect([await kube.get(ref), await kube.remove(ref)]).toEqual([null, false])
})

test('a server that is overloaded, silent or gone is an UnreachableError with its URL', async () => {
  await serve(() => status(503, 'ServiceUnavailable', 'etcd is away'))
  await expect(kube.list({ apiVersion: 'v1', kind: 'Pod' })).rejects.toThrow(UnreachableError)
  await expect(kube.list({ apiVersion: 'v1', kind: 'Pod' })).rejects.toThrow(`Kubernetes at ${api.url} can't list pods now (503)`)
  await api.stop()
  await expect(kube.list({ apiVersion: 'v1', kind: 'Pod' })).rejects.toThrow(
    `cannot reach Kubernetes at ${api.url}: nothing listens there; is it running`,
  )
  await expect(kube.list({ apiVersion: 'v1', kind: 'Pod' })).rejects.toMatchObject({ exitCode: 3 })
})

test('a kept connection that the server closed meanwhile costs nothing', async () => {
  await serve(() => ({ body: { metadata: { resourceVersion: '1' }, items: [] } }))
  await kube.list({ apiVersion: 'v1', kind: 'Pod' })
  await api.stop()
  await api.start()
  expect((await kube.list({ apiVersion: 'v1', kind: 'Pod' })).version).toBe('1')
})

test('a wait ends with the object, or with the reasons that the cluster gives', async () => {
  const job = {
    metadata: { name: 'j' },
    status: { conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded' }] },
  }
  await serve(({ path }) => {
    if (path.endsWith('/events'))
      return { body: { metadata: {}, items: [{ type: 'Warning', reason: 'BackOff', message: 'image x', metadata: {} }] } }
    return { body: job }
  })
  const ref = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'ci' } }
  const never = waitForObject(kube, ref, 'complete', () => false, { withinMs: 200 })
  await expect(never).rejects.toThrow('Job j was not complete within 0.2 s: Failed: DeadlineExceeded; BackOff: image x')
  expect(await waitForObject(kube, ref, 'there', Boolean, { withinMs: 200 })).toEqual(job)
})

test('a wait for a server that is away says so, at its end', async () => {
  await serve(() => ({ body: {} }))
  await api.stop()
  const ref = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }
  const waiting = waitForObject(kube, ref, 'ready', Boolean, { withinMs: 300 })
  await expect(waiting).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining(`cannot reach Kubernetes at ${api.url}`),
  })
})
