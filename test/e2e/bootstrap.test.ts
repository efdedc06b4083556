import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { gitea } from '#lib/cluster/components/gitea.ts'
import { namespaces } from '#lib/cluster/components/namespaces.ts'
import { postgres } from '#lib/cluster/components/postgres.ts'
import { redis } from '#lib/cluster/components/redis.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { cluster, env } from '#lib/contract.ts'
import { contextFor, walk } from '#test/helpers/bootstrapped.ts'
import { testKubeconfig, withCluster } from '#test/helpers/cluster.ts'
import { playNode } from '#test/helpers/play-node.ts'
import { realGitea } from '#test/helpers/real-gitea.ts'

const components = [namespaces, redis, postgres, gitea]
const names = components.map(({ name }) => name)
const everything = (what: string): string[] => names.map((name) => `${name}: ${what}`)
const { infrastructure, namespace } = cluster

withCluster('the components inside the cluster', () => {
  let ctx: ClusterContext
  let kube: Kube
  let node: ReturnType<typeof playNode>
  beforeAll(async () => {
    // Gitea's own pod runs nothing here; whether it answers is another test's
    process.env[env.giteaUrl] = realGitea.url || 'http://127.0.0.1:1'
    ctx = await contextFor(testKubeconfig, 'pools: { default: { max: 2 } }')
    kube = await ctx.kube()
    for (const one of components.toReversed()) await one.remove!(ctx)
    node = playNode(kube, [infrastructure, namespace])
  }, 120_000)
  afterAll(async () => {
    for (const one of components.toReversed()) await one.remove!(ctx)
    await node.close()
  }, 120_000)

  const versions = async (): Promise<string[]> => {
    const kinds = ['Secret', 'ConfigMap', 'Service', 'PersistentVolumeClaim'].map((kind) => ({ apiVersion: 'v1', kind }))
    const more = ['StatefulSet', 'Deployment'].map((kind) => ({ apiVersion: 'apps/v1', kind }))
    const lists = [...kinds, ...more].flatMap((kind) => [infrastructure, namespace].map((one) => ({ ...kind, namespace: one })))
    const found = await Promise.all(lists.map((scope) => kube.list<KubeObject>(scope)))
    return found.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`))
  }
  const secret = (name: string): Promise<KubeObject | null> =>
    kube.get({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: infrastructure } })

  test('from nothing to ready, and a second time nothing', async () => {
    expect(await walk(components.slice(0, -1), ctx)).toEqual(everything('applied').slice(0, -1))
    expect(await walk(components.slice(0, -1), ctx)).toEqual(everything('nothing').slice(0, -1))
    await gitea.apply(ctx)
    await expect.poll(async () => (await gitea.check(ctx)).reason, { timeout: 30_000 }).not.toMatch(/pods ready/)
    const before = await versions()
    for (const one of components) await one.apply(ctx)
    expect(await versions()).toEqual(before)
  })

  test('a Secret that was edited by hand is told of; its password is kept, and what is made of it mended', async () => {
    const before = (await secret(cluster.giteaSecret)) as KubeObject & { data: Record<string, string> }
    await kube.patch(before, { data: { GITEA__database__PASSWD: Buffer.from('other').toString('base64') } })
    expect(await gitea.check(ctx)).toMatchObject({
      state: 'degraded',
      reason: `Secret ${infrastructure}/gitea-env was changed: GITEA__database__PASSWD`,
    })
    await gitea.apply(ctx)
    expect(await secret(cluster.giteaSecret)).toMatchObject({ data: before.data })
  })

  test('a field that was changed by hand is named, and set right', async () => {
    const ref = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'gitea', namespace: infrastructure } }
    await kube.patch(ref, { spec: { selector: { 'app.kubernetes.io/name': 'other' } } })
    const found = await gitea.check(ctx)
    expect(found.reason).toContain('spec.selector.app.kubernetes.io/name is "other", not "gitea"')
    expect((await gitea.plan(ctx, found)).join()).toContain('apply Service infrastructure/gitea')
    await gitea.apply(ctx)
    expect((await gitea.check(ctx)).reason).not.toContain('selector')
  })
})
