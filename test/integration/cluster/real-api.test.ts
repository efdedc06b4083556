import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import { withLease } from '#lib/cluster/lease.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { hasCondition, waitFor as waitForObject } from '#lib/cluster/wait.ts'
import { watch } from '#lib/cluster/watch.ts'
import { testKubeconfig, withCluster } from '#test/helpers/cluster.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const namespace = `test-${Math.random().toString(36).slice(2, 8)}`
const space: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
const map = (name: string, data: object): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }) as KubeObject
let kube: Kube

withCluster('a real API server', () => {
  beforeAll(async () => {
    kube = await openKube({ kubeconfig: testKubeconfig })
    await kube.apply(space)
  })
  afterAll(async () => {
    await kube.remove(space)
    kube.close()
  })

  test('a second apply changes nothing; a diff says what one would change, and writes nothing', async () => {
    expect(await kube.diff(map('a', { k: '1' }))).toBe(null)
    const first = await kube.apply(map('a', { k: '1' }))
    const second = await kube.apply(map('a', { k: '1' }))
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    expect(await kube.diff(map('a', { k: '1' }))).toEqual([])
    expect(await kube.diff(map('a', { k: '2' }))).toEqual([{ path: 'data.k', from: '1', to: '2' }])
    expect(await kube.get(map('a', {}))).toMatchObject({ data: { k: '1' } })
  })

  test('a field that somebody else has set is a conflict that names both, until it is forced', async () => {
    await kube.create(map('b', { k: 'theirs' }))
    await kube.patch(map('b', {}), { data: { k: 'patched' } })
    await expect(kube.apply(map('b', { k: 'ours' }))).rejects.toThrow(
      /set fields of ConfigMap b in \S+: \.data\.k \(.*raibid-ci.*\); force/,
    )
    expect(await kube.apply(map('b', { k: 'ours' }), { force: true })).toMatchObject({ data: { k: 'ours' } })
  })

  test('what it refuses is explained: a wrong field, an unknown kind, a namespace that is not there', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'x', namespace },
      spec: { template: { spec: { containers: [] } } },
    }
    await expect(kube.apply(job)).rejects.toThrow(/refuses Job x in .*spec\.template\.spec\.containers: Required value/)
    await expect(kube.apply({ apiVersion: 'no.such/v1', kind: 'Thing', metadata: { name: 'x' } })).rejects.toThrow(
      /knows no Thing/,
    )
    await expect(kube.create(map('x', {})).then(() => kube.create(map('x', {})))).rejects.toThrow(/it is there already/)
  })

  test('a watch sees every change, deletions too', async () => {
    const stop = new AbortController()
    const seen: string[] = []
    const scope = { apiVersion: 'v1', kind: 'ConfigMap', namespace, labels: 'watched' }
    const watched = { ...map('w', { n: '1' }), metadata: { name: 'w', namespace, labels: { watched: '' } } }
    const watching = watch(
      kube,
      scope,
      { full: (all) => seen.push(`full ${all.length}`), change: (type) => seen.push(type) },
      stop.signal,
    )
    await waitFor('the list', () => seen.length === 1)
    await kube.apply(watched)
    await kube.apply({ ...watched, data: { n: '2' } } as KubeObject)
    await kube.remove(watched)
    await waitFor('all', () => seen.length === 4)
    stop.abort()
    await watching
    expect(seen).toEqual(['full 0', 'ADDED', 'MODIFIED', 'DELETED'])
  })

  test('a wait that is in vain says why', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace } }
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
    await waitForObject(kube, account, 'there', Boolean, { withinMs: 20_000 })
    await kube.create({ ...pod, spec: { nodeSelector: { no: 'such' }, containers: [{ name: 'a', image: 'x' }] } })
    const ready = waitForObject(kube, pod, 'ready', hasCondition('Ready'), { withinMs: 3000 })
    await expect(ready).rejects.toThrow(/Pod p was not ready within 3 s/)
    await kube.remove(pod, { graceSeconds: 0 })
  })

  test('of many who want a Lease one has it at a time', async () => {
    let [inside, most, done] = [0, 0, 0]
    const work = async (): Promise<true> => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 50))
      inside--
      done++
      return true
    }
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => withLease(kube, 'l', namespace, `h${i}`, work)))
    expect([most, done >= 1, all.filter(Boolean).length]).toEqual([1, true, done])
    expect(await withLease(kube, 'l', namespace, 'later', work)).toBe(true)
  })
})
