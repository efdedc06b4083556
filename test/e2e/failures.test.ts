import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { cluster, files } from '#lib/contract.ts'
import { noNamespaces, personBehindProxy, uids } from '#test/helpers/behind-proxy.ts'
import { testKubeconfig, withCluster } from '#test/helpers/cluster.ts'
import { start } from '#test/helpers/interrupted.ts'
import { playNode } from '#test/helpers/play-node.ts'
import { viewer } from '#test/helpers/serve-account.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

vi.setConfig({ testTimeout: 400_000, hookTimeout: 300_000 })

const { infrastructure } = cluster
const stores = ['--only', 'namespaces', '--only', 'redis']
const sure = ['--yes', '--i-mean', 'fake']
const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept', namespace: cluster.monitoring } }

withCluster('a real API server that says no', () => {
  let kube: Kube
  let node: ReturnType<typeof playNode>
  let it: Awaited<ReturnType<typeof personBehindProxy>>
  /** How pods and volumes fare. */
  const play = { pods: true, volumes: true }
  beforeAll(async () => {
    kube = await openKube({ kubeconfig: testKubeconfig })
    const waiting = { reason: 'ImagePullBackOff', message: 'no such image' }
    node = playNode(kube, [infrastructure, cluster.namespace, cluster.monitoring], {
      instead: (pod) =>
        play.pods
          ? null
          : {
              phase: 'Pending',
              containerStatuses: (pod.spec?.containers ?? []).map(({ name }) => ({
                name,
                image: '',
                imageID: '',
                ready: false,
                restartCount: 0,
                state: { waiting },
              })),
            },
      volumes: () => play.volumes,
    })
    it = await personBehindProxy(testKubeconfig)
    await noNamespaces(kube)
  })
  afterAll(async () => {
    await kube.patch(config, { metadata: { finalizers: null } }).catch(() => {})
    await noNamespaces(kube)
    await node.close()
    await it.proxy.close()
    kube.close()
  })
  const task = (verb: string, ...args: string[]) => start(verb, args, it.env, () => {})
  const known = () =>
    (
      JSON.parse(readFileSync(join(it.env.RAIBID_HOME, files.clusterState), 'utf8')) as {
        components: Record<string, { state: string; wanted: boolean }>
      }
    ).components
  const rowOf = ({ stdout }: { stdout: string }, name = 'redis') =>
    (JSON.parse(stdout) as { components: { name: string; state: string; reason: string; evidence: string[] }[] }).components.find(
      (one) => one.name === name,
    )!
  beforeEach(async () => {
    Object.assign(play, { pods: true, volumes: true })
    rmSync(it.env.RAIBID_HOME, { recursive: true, force: true })
    const ran = await task('bootstrap', ...stores, ...it.named)
    expect([ran.code, ran.stderr]).toEqual([0, expect.any(String)])
  })

  test('a webhook that is nowhere: it is named by all of them, and without it the same command goes on', async () => {
    const webhook = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'nowhere' },
      webhooks: [
        {
          ...{
            name: 'nowhere.example.com',
            failurePolicy: 'Fail',
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            timeoutSeconds: 3,
          },
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules: [
            { apiGroups: [''], apiVersions: ['v1'], resources: ['services', 'secrets'], operations: ['*'], scope: 'Namespaced' },
          ],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': infrastructure } },
        },
      ],
    }
    const before = await uids(kube)
    await kube.remove({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'redis', namespace: infrastructure } })
    await kube.apply(webhook as KubeObject)
    try {
      await waitFor('the webhook', async () => (await task('bootstrap', ...stores)).code === 3, 60_000)
      const said = expect.stringMatching(/asks an admission webhook about .*, which does not answer: .*nowhere\.example\.com/)
      const made = await task('bootstrap', ...stores)
      expect([made.code, made.stderr, made.stderr.includes('etcd')]).toEqual([3, said, false])
      const mended = await task('reconcile')
      expect([mended.code, mended.stderr]).toEqual([1, said])
      const down = await task('teardown', '--only', 'redis', ...sure)
      expect([down.code, down.stderr]).toEqual([3, said])
      expect((await task('status')).code).toBe(1)
    } finally {
      await kube.remove(webhook)
    }
    await waitFor('the webhook to go', async () => (await task('bootstrap', ...stores)).code === 0, 60_000)
    const after = await uids(kube)
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted())
  })

  test('an account that may only look: what it may not, and nothing changes', async () => {
    const before = await uids(kube)
    const account = await viewer(kube, testKubeconfig, it.person)
    const named = ['--kubeconfig', account.path]
    const kept = readFileSync(join(it.env.RAIBID_HOME, files.clusterState), 'utf8')
    for (const [verb, ...args] of [
      ['bootstrap', ...stores, ...named],
      ['status', ...named],
      ['teardown', '--only', 'redis', '--yes', '--i-mean', account.context, ...named],
    ] as const) {
      const ran = await task(verb, ...args)
      expect([verb, ran.code, ran.stderr + ran.stdout]).toEqual([
        verb,
        1,
        expect.stringMatching(/not allowed to \w+ .*ask for a role that may/),
      ])
    }
    await account.remove()
    expect(await uids(kube)).toEqual(before)
    writeFileSync(join(it.env.RAIBID_HOME, files.clusterState), kept)
    expect((await task('bootstrap', ...stores)).stderr).toContain('Nothing to do.')
  })

  test('pods that never get ready, and volumes that nobody provides: why; Ctrl-C while it waits; teardown all the same', async () => {
    expect((await task('teardown', '--only', 'redis', ...sure)).code).toBe(0)
    Object.assign(play, { pods: false, volumes: false })
    let pid = 0
    const waits = start('bootstrap', stores, it.env, (its) => (pid = its))
    const seen = await waitFor(
      'the reason',
      async () => {
        const row = rowOf(await task('status', '--json'))
        return row.state === 'deploying' && row.reason?.includes('data-redis-0 is Pending') ? row : null
      },
      60_000,
    )
    expect(seen).toMatchObject({
      state: 'deploying',
      reason: 'StatefulSet redis has 0 of 1 pods ready: volume data-redis-0 is Pending',
    })
    play.volumes = true
    await waitFor(
      'the next reason',
      async () => /ImagePullBackOff: no such image/.test(rowOf(await task('status', '--json')).reason),
      60_000,
    )
    const second = await task('teardown', '--only', 'redis', ...sure)
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('`just bootstrap` is at work on the cluster')])
    process.kill(pid, 'SIGINT')
    expect(await waits).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('taken up by: just bootstrap --only namespaces --only redis'),
    })
    expect(known()['redis']).toMatchObject({ state: 'failed', wanted: true })
    expect(await task('teardown', '--only', 'redis', ...sure)).toMatchObject({ code: 0 })
    expect([...(await uids(kube)).keys()].filter((name) => name.includes('redis'))).toEqual([])
  })

  test('a finalizer that nobody takes away: named; Ctrl-C meanwhile; and when it goes the same command ends it', async () => {
    const held = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'redis', namespace: infrastructure } }
    await kube.patch(held, { metadata: { finalizers: ['keep.example/it'] } })
    const ran = await task('teardown', '--only', 'redis', ...sure)
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringContaining('redis is left: Service redis (its finalizers are keep.example/it) did not go within 90 s'),
    ])
    expect(known()['redis']).toMatchObject({ wanted: false })
    // nobody builds it up again
    expect((await task('reconcile')).code).toBe(0)
    expect((await uids(kube)).has('StatefulSet infrastructure/redis')).toBe(false)
    let pid = 0
    const waits = start('teardown', ['--only', 'redis', ...sure], it.env, (its) => (pid = its))
    await waitFor('its lock', () => readFileSync(join(it.env.RAIBID_HOME, files.clusterLock), { flag: 'a+' }).length > 0, 30_000)
    process.kill(pid, 'SIGINT')
    expect(await waits).toMatchObject({ code: 130, stderr: expect.stringContaining('taken up by: just teardown --only redis') })
    await kube.patch(held, { metadata: { finalizers: null } })
    expect(await task('teardown', '--only', 'redis', ...sure)).toMatchObject({ code: 0 })
  })

  test('a namespace that hangs in Terminating: why, by all of them; when it goes bootstrap makes it anew', async () => {
    await kube.apply({ ...config, metadata: { ...config.metadata, finalizers: ['keep.example/it'] } } as KubeObject)
    const down = await task('teardown', '--only', 'namespaces', '--only', 'redis', ...sure)
    expect([down.code, down.stderr]).toEqual([
      1,
      expect.stringMatching(/namespaces is left: Namespace monitoring \(.*keep\.example\/it.*\) did not go within 90 s/),
    ])
    expect(rowOf(await task('status', '--json'), 'namespaces')).toMatchObject({
      state: 'degraded',
      reason: expect.stringMatching(/^Namespace monitoring is being deleted/),
    })
    const ran = await task('bootstrap', ...stores)
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringMatching(/Namespace monitoring \(.*keep\.example\/it.*\) did not go within 90 s/),
    ])
    const waits = task('bootstrap', ...stores)
    await kube.patch(config, { metadata: { finalizers: null } })
    expect(await waits).toMatchObject({ code: 0 })
    expect((await task('bootstrap', ...stores)).stderr).toContain('Nothing to do.')
  })
})
