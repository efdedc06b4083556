import { writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { flux } from '#lib/cluster/components/flux.ts'
import { gitea } from '#lib/cluster/components/gitea.ts'
import { giteaSetup } from '#lib/cluster/components/gitea-setup.ts'
import { namespaces } from '#lib/cluster/components/namespaces.ts'
import { postgres } from '#lib/cluster/components/postgres.ts'
import { redis } from '#lib/cluster/components/redis.ts'
import { mustLogin } from '#lib/cluster/gitea-login.ts'
import { commitTo } from '#lib/cluster/gitops/repository.ts'
import { requestSync } from '#lib/cluster/gitops/state.ts'
import { kustomizationRef, receiverRef, sourceRef } from '#lib/cluster/gitops/sync.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import { poolStateOf } from '#lib/cluster/scaled-job-change.ts'
import type { KubeObject, ScaledJob } from '#lib/cluster/types.ts'
import { secret } from '#lib/cluster/secret.ts'
import { hasCondition } from '#lib/cluster/wait.ts'
import { cluster, env } from '#lib/contract.ts'
import { changePool } from '#lib/pool/change.ts'
import { contextFor } from '#test/helpers/bootstrapped.ts'
import { testKubeconfig } from '#test/helpers/cluster.ts'
import { fluxFolder, giteaByName, hasController, startFlux, withFlux } from '#test/helpers/flux.ts'
import { administrator, forget } from '#test/helpers/gitea-admin.ts'
import { playNode } from '#test/helpers/play-node.ts'
import { giteaApi, realGitea } from '#test/helpers/real-gitea.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const { infrastructure, namespace, configOwner, configRepo } = cluster
const stores = [redis, postgres, gitea]
const adopted = [
  { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'gitea', namespace: infrastructure } },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'redis', namespace: infrastructure } },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'gitea', namespace: infrastructure } },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: infrastructure } },
]
const helmRelease = {
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  metadata: { name: 'keda', namespace: cluster.keda },
}
const scaledJob = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob', metadata: { name: 'agents-default', namespace } }

withFlux('Flux’s own source- and kustomize-controller, from a real Gitea', () => {
  let ctx: ClusterContext
  let kube: Kube
  let node: ReturnType<typeof playNode>
  let byName: Awaited<ReturnType<typeof giteaByName>>
  let controllers: Awaited<ReturnType<typeof startFlux>> | undefined
  beforeAll(async () => {
    process.env[env.giteaUrl] = realGitea.url
    ctx = await contextFor(testKubeconfig, 'pools: { default: { max: 2 } }', { airgap: fluxFolder })
    kube = await ctx.kube()
    byName = await giteaByName()
    await namespaces.apply(ctx)
    for (const one of stores) await one.apply(ctx)
    await administrator(kube)
    await giteaSetup.apply(ctx)
    node = playNode(kube, [cluster.flux, infrastructure, namespace])
  }, 120_000)
  afterEach(({ task }) => {
    if (task.result?.state === 'fail' && process.env['RAIBID_TEST_LOG'])
      writeFileSync(process.env['RAIBID_TEST_LOG'], controllers?.said() ?? '')
  })
  afterAll(async () => {
    await flux.remove!(ctx).catch(() => {})
    await controllers?.stop()
    for (const one of [...stores.toReversed(), namespaces]) await one.remove!(ctx).catch(() => {})
    await kube.remove(scaledJob).catch(() => {})
    await node.close()
    byName.close()
    await forget()
  }, 300_000)

  const versions = async (): Promise<unknown[]> =>
    Promise.all(
      adopted
        .map(async (ref) => (await kube.get<KubeObject>(ref))!.metadata)
        .map(async (one) => [(await one).uid, (await one).generation]),
    )
  /** Its controller isn't here: whether KEDA is installed is what the test says. */
  const playHelm = async (): Promise<void> => {
    const found = await waitFor('the HelmRelease', () => kube.get<KubeObject>(helmRelease), 90_000)
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'Played',
      message: 'by the test',
      lastTransitionTime: new Date().toISOString(),
    }
    await kube.patch(
      helmRelease,
      { status: { observedGeneration: found.metadata.generation, conditions: [condition] } },
      'status',
    )
  }
  const healthy = () =>
    waitFor(
      'Flux to have applied all',
      async () => {
        const found = await flux.check(ctx)
        return found.state === 'healthy' ? found : null
      },
      180_000,
    )

  test('the config repository is adopted: the same objects, nothing of them made anew', async () => {
    const before = await versions()
    expect(await flux.check(ctx)).toEqual({ state: 'absent' })
    await flux.apply(ctx)
    controllers = await startFlux(byName.url)
    await playHelm()
    const found = await healthy()
    expect(found.reason).toMatch(/^main@sha1:[0-9a-f]{40}$/)
    expect(await versions()).toEqual(before)
    for (const ref of adopted)
      expect((await kube.get<KubeObject>(ref))!.metadata.labels).toMatchObject({
        'kustomize.toolkit.fluxcd.io/name': 'infrastructure',
      })
    for (const one of [namespaces, ...stores]) expect((await one.check(ctx)).evidence ?? []).toEqual([])
  }, 300_000)

  test('a second time nothing is pushed, and nothing changed', async () => {
    const admin = await mustLogin(ctx)
    const [head, before] = [await commitTo(admin, () => null), await versions()]
    await flux.apply(ctx)
    await healthy()
    expect([await commitTo(admin, () => null), await versions()]).toEqual([head, before])
  }, 200_000)

  test('a commit is applied; what it changed is not written over by us', async () => {
    const admin = await mustLogin(ctx)
    const path = 'agents/scaledjob-ci-agents-default.yaml'
    await commitTo(admin, (there) => ({
      write: { [path]: there[path]!.replace('maxReplicaCount: 2', 'maxReplicaCount: 3') },
      remove: [],
      message: 'three agents',
    }))
    await requestSync(kube)
    const max = async () =>
      ((await kube.get<KubeObject>(scaledJob))?.spec as { maxReplicaCount?: number } | undefined)?.maxReplicaCount === 3
    await waitFor('the commit', max, 60_000)
    await flux.apply(ctx)
    await healthy()
    expect(await max()).toBe(true)
  }, 200_000)

  test.skipIf(!hasController('notification-controller'))(
    'what became of a commit is a status of it; Gitea’s webhook goes where the Receiver listens',
    async () => {
      // this controller asks no proxy of its environment, only one that its Provider names
      await kube.apply(secret('test-proxy', cluster.flux, { address: byName.url }))
      const provider = {
        apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
        kind: 'Provider',
        metadata: { name: 'gitea', namespace: cluster.flux },
      }
      await kube.patch(provider, { spec: { proxySecretRef: { name: 'test-proxy' } } })
      const admin = await mustLogin(ctx)
      const head = await commitTo(admin, () => ({ write: { 'NOTES.md': 'a note' }, remove: [], message: 'a note' }))
      await requestSync(kube)
      const statuses = () =>
        giteaApi<{ status: string; context: string }[]>('GET', `/repos/${configOwner}/${configRepo}/statuses/${head}`)
      await waitFor('a status', async () => (await statuses()).some(({ status }) => status === 'success'), 60_000)
      const receiver = await kube.get<KubeObject & { status?: { webhookPath?: string } }>(receiverRef)
      const hooks = await giteaApi<{ config: { url: string } }[]>('GET', `/repos/${configOwner}/${configRepo}/hooks`)
      const path = receiver?.status?.webhookPath
      expect(path).toMatch(/^\/hook\//)
      expect(hooks.map(({ config }) => config.url)).toEqual([`http://webhook-receiver.${cluster.flux}.svc${path}`])
    },
    120_000,
  )

  test('scale and pause commit, and Flux leaves it so', async () => {
    const args = { cluster: true, kubeconfig: testKubeconfig, namespace, pool: 'default' }
    const scaled = await changePool(args, { do: 'scale', max: 4 })
    expect(scaled).toMatchObject({ max: 4, changed: true, commit: expect.stringMatching(/^[0-9a-f]{40}$/) })
    const paused = await changePool(args, { do: 'pause', because: 'for a test' })
    expect(await changePool(args, { do: 'pause', because: 'for a test' })).toMatchObject({ changed: false, commit: null })
    await waitFor('Flux', async () => (await flux.check(ctx)).reason?.endsWith(paused.commit!), 120_000)
    expect(poolStateOf((await kube.get<ScaledJob>(scaledJob))!)).toMatchObject({ max: 4, paused: 'for a test' })
    const resumed = await changePool(args, { do: 'resume' })
    await waitFor('Flux', async () => (await flux.check(ctx)).reason?.endsWith(resumed.commit!), 120_000)
    expect(poolStateOf((await kube.get<ScaledJob>(scaledJob))!)).toMatchObject({ max: 4, paused: null })
  }, 300_000)

  test('Gitea away and back changes nothing', async () => {
    const before = await versions()
    byName.state.away = true
    await requestSync(kube)
    await waitFor('Flux to notice', async () => hasCondition('Ready', 'False')(await kube.get(sourceRef)), 90_000)
    expect((await flux.check(ctx)).reason).toContain(`GitRepository ${cluster.flux}`)
    expect(await versions()).toEqual(before)
    for (const name of ['infrastructure', 'agents'])
      expect(hasCondition('Ready')(await kube.get(kustomizationRef(name)))).toBe(true)
    byName.state.away = false
    await requestSync(kube)
    await healthy()
    expect(await versions()).toEqual(before)
  }, 300_000)

  test('who leaves Flux keeps what it kept, and it is ours again', async () => {
    const before = await versions()
    await flux.remove!(ctx)
    expect(await flux.check(ctx)).toEqual({ state: 'absent' })
    expect(await versions()).toEqual(before)
    for (const ref of adopted)
      expect((await kube.get<KubeObject>(ref))!.metadata.labels?.['kustomize.toolkit.fluxcd.io/name']).toBeUndefined()
    expect(await mustLogin(ctx).then((admin) => admin.repo({ owner: configOwner, name: configRepo }))).not.toBeNull()
  }, 200_000)
})
