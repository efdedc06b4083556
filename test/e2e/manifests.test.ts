import { randomBytes } from 'node:crypto'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import { nameOf, type KubeObject } from '#lib/cluster/object.ts'
import { redisSecrets } from '#lib/cluster/redis-secrets.ts'
import { serveSecret } from '#lib/cluster/serve-secret.ts'
import { testKubeconfig, withCluster } from '#test/helpers/cluster.ts'
import { rendered } from '#test/helpers/rendered.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const config = `
pools:
  default: { max: 2, warm: 1, image: 'localhost/raibid-agent:test', cpu: 1, cpuLimit: 1.5, memory: 1536Mi, disk: 500Mi }
  gpu: { max: 1, gpu: 1, nodeSelector: { kubernetes.io/arch: arm64 }, env: { NVIDIA_VISIBLE_DEVICES: all }, longestBuild: 12h }
agent: { maxJobs: 3 }
`
let kube: Kube

withCluster('the API server takes everything that just manifests writes', () => {
  beforeAll(async () => void (kube = await openKube({ kubeconfig: testKubeconfig })))
  let applied: KubeObject[] = []

  /** Controllers write the status of some: of these only the generation stays, which is what makes a rollout. */
  async function asItIs(one: KubeObject): Promise<string[]> {
    const { resourceVersion = '', generation } = (await kube.get(one))!.metadata
    return [nameOf(one), generation === undefined ? resourceVersion : `generation ${generation}`]
  }
  const ownNamespaces = () => applied.filter(({ kind }) => kind === 'Namespace')

  // one overlay's volume is no other's: a claim can't be changed
  afterEach(async () => {
    for (const one of applied.toReversed()) await kube.remove(one)
    const gone = async () => (await Promise.all(ownNamespaces().map((one) => kube.get(one)))).every((one) => one === null)
    await waitFor('the end of the namespaces', gone, 90_000)
  })

  test.each(['spark', 'dev'] as const)(
    'overlay %s: accepted, with its Secrets; a second apply changes nothing',
    async (overlay) => {
      const objects = await rendered(overlay, config)
      const random = { random: randomBytes }
      const secrets: KubeObject[] = [...redisSecrets(random), serveSecret(random)]
      const [namespaces, others] = [
        objects.filter(({ kind }) => kind === 'Namespace'),
        objects.filter(({ kind }) => kind !== 'Namespace'),
      ]
      applied = [...namespaces, ...secrets, ...others]
      const refused: string[] = []
      const applyAll = async () => {
        for (const one of applied) await kube.apply(one).catch((error: Error) => refused.push(`${nameOf(one)}: ${error.message}`))
      }
      await applyAll()
      expect(refused).toEqual([])

      for (const one of applied) expect([nameOf(one), await kube.diff(one)]).toEqual([nameOf(one), []])
      // KEDA writes its finalizer into a new ScaledJob, and its typed client an empty field or two
      const scaledJobs = applied.filter(({ kind }) => kind === 'ScaledJob')
      const taken = async (one: KubeObject) => (await kube.get(one))!.metadata.finalizers?.length
      await waitFor('KEDA', async () => (await Promise.all(scaledJobs.map(taken))).every(Boolean))
      const before = await Promise.all(applied.map(asItIs))
      await applyAll()
      expect(refused).toEqual([])
      expect(await Promise.all(applied.map(asItIs))).toEqual(before)
    },
  )
})
