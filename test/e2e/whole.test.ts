import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import { components } from '#lib/cluster/components/index.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { readAccess } from '#lib/cluster-access.ts'
import { cluster, env, files } from '#lib/contract.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

/** A cluster with a real node, nothing of ours in it, and room for all of it. */
const kubeconfig = process.env['RAIBID_TEST_WHOLE'] ?? ''
const airgap = process.env['RAIBID_TEST_AIRGAP']
const { namespace, infrastructure } = cluster
const home = mkdtempSync(join(tmpdir(), 'raibid-whole-'))
const own = { [env.home]: home, [env.redisUrl]: undefined }
const just = (task: string, ...args: string[]) => runTask(`tasks/${task}.ts`, args, { env: own })
const chosen = ['--kubeconfig', kubeconfig, '--preset', 'minimal', '--yes', ...(airgap ? ['--airgap', airgap] : [])]
const bootstrap = async () => {
  const { code, stdout, stderr } = await just('cluster/bootstrap', ...chosen, '--json')
  expect(code, stderr).toBe(0)
  const { outcomes } = JSON.parse(stdout) as { outcomes: { name: string; what: string }[] }
  return Object.fromEntries(outcomes.map(({ name, what }) => [name, what]))
}

describe.skipIf(!kubeconfig)(`the whole of it${kubeconfig ? '' : ' [skipped: RAIBID_TEST_WHOLE is not set]'}`, () => {
  let kube: Kube
  const spaces = [namespace, infrastructure, cluster.keda, cluster.flux]
  const kinds = [
    ...['Secret', 'ConfigMap', 'Service', 'PersistentVolumeClaim', 'ServiceAccount'].map((kind) => ({ apiVersion: 'v1', kind })),
    ...['Deployment', 'StatefulSet'].map((kind) => ({ apiVersion: 'apps/v1', kind })),
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
    { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob' },
    { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' },
    { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease' },
  ]
  /** What there is: name, identity, and a digest of what it says but for its state. */
  async function picture(): Promise<string[]> {
    const lists = await Promise.all(
      kinds.flatMap((kind) => spaces.map((one) => kube.list<KubeObject>({ ...kind, namespace: one }))),
    )
    return lists.flatMap(({ items }) =>
      items.map(({ metadata, status: _, ...rest }) => {
        const { uid, generation = 0, name } = metadata as { uid?: string; generation?: number; name: string }
        const digest = createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 8)
        return `${metadata.namespace}/${name} ${uid} ${generation} ${digest}`
      }),
    )
  }
  const isThere = async (name: string): Promise<boolean> =>
    (await kube.get({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })) !== null
  const teardown = () => just('cluster/teardown', '--kubeconfig', kubeconfig, '--yes', '--i-mean', kube.context)
  beforeAll(async () => {
    kube = await openKube({ kubeconfig })
  })
  afterAll(() => kube.close())

  test('one command makes it, up to a first build; the second changes nothing', { timeout: 900_000 }, async () => {
    const made = await bootstrap()
    const looked = ['machine', 'k3s', 'image']
    for (const { name } of components.filter((one) => !looked.includes(one.name)))
      // what Flux brings is there when its turn comes
      expect([name, made[name]]).toEqual([name, expect.stringMatching(/^(applied|nothing)$/)])
    for (const name of ['redis', 'postgres', 'gitea', 'gitea-setup', 'flux', 'access', 'smoke'])
      expect(made[name]).toBe('applied')
    const before = await picture()
    expect(Object.entries(await bootstrap()).filter(([, what]) => what !== 'nothing')).toEqual([])
    expect(await picture()).toEqual(before)
    expect((await just('cluster/status')).code).toBe(0)
  })

  test('then this machine’s recipes work on it, and its pages are where it says', { timeout: 120_000 }, async () => {
    const jobs = JSON.parse((await just('jobs/jobs', '--json')).stdout) as { state: string; repo: string }[]
    expect(jobs).toMatchObject([{ state: 'success', repo: expect.stringContaining('platform/smoke') }])
    const { serveUrl, gitea } = readAccess(home)!
    expect((await fetch(serveUrl)).status).toBe(401)
    const token = (await just('pool/token', 'create', 'test', '--role', 'read')).stdout.trim()
    const page = await fetch(`${serveUrl}/api/v1/jobs`, { headers: { authorization: `Bearer ${token}` } })
    expect(page.status).toBe(200)
    const build = [`${gitea.url}/platform/smoke.git`, 'main', '--secret', 'HUSH', '--wait']
    const built = await runTask('tasks/jobs/enqueue.ts', build, { env: { ...own, HUSH: 'a secret' } })
    expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('success')])
  })

  test('a change by a recipe is a commit, and Flux keeps it', { timeout: 120_000 }, async () => {
    const { code, stderr } = await just('pool/scale', 'default', '1')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/up to 1 agent \(committed as [0-9a-f]{7}\)/)])
    expect((await just('cluster/status')).stdout).toContain('default up to 1')
  })

  test('every pod deleted at once: all of it comes back, and builds', { timeout: 400_000 }, async () => {
    const gone = await Promise.all(spaces.map((one) => kube.list<KubeObject>({ apiVersion: 'v1', kind: 'Pod', namespace: one })))
    for (const { metadata } of gone.flatMap(({ items }) => items)) await kube.remove({ apiVersion: 'v1', kind: 'Pod', metadata })
    await waitFor('everything well again', async () => (await just('cluster/status')).code === 0, 300_000)
    const url = readAccess(home)!.gitea.url
    expect((await just('jobs/enqueue', `${url}/platform/smoke.git`, 'main', '--wait')).code).toBe(0)
  })

  test('taken away, interrupted on the way, it leaves nothing; and it can be made again', { timeout: 1_500_000 }, async () => {
    await runTask('tasks/cluster/teardown.ts', ['--kubeconfig', kubeconfig, '--yes', '--i-mean', kube.context], {
      env: own,
      onOutput: (_, kill) => kill('SIGINT'),
    })
    const { code, stderr } = await teardown()
    expect(code, stderr).toBe(0)
    expect(await Promise.all([...spaces, cluster.monitoring].map(isThere))).toEqual([false, false, false, false, false])
    const definitions = await kube.list<KubeObject>({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' })
    expect(definitions.items.filter(({ metadata }) => /keda\.sh|fluxcd\.io/.test(metadata.name ?? ''))).toEqual([])
    expect(existsSync(join(home, files.clusterAccess))).toBe(false)
    expect((await bootstrap())['smoke']).toBe('applied')
    expect((await teardown()).code).toBe(0)
    expect(readdirSync(join(home, 'cluster')).filter((name) => /tar|lock/.test(name))).toEqual([])
  })
})
