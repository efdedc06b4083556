import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { openKube } from '#lib/cluster/kube.ts'
import { redisSecrets } from '#lib/cluster/redis-secrets.ts'
import { serveSecret } from '#lib/cluster/serve-secret.ts'
import { kinds, type KubeObject, type Pod } from '#lib/cluster/types.ts'
import { root as project } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { makeRepository } from '#lib/demo/repositories.ts'
import type { JobSpec } from '#lib/queue/types.ts'
import { ulid } from '#lib/ulid.ts'
import { testKubeconfig } from './cluster.ts'
import { startGitServer } from './git-server.ts'
import { aSpec, roles } from './queue.ts'
import { startRedisAt } from './redis-server.ts'
import { rendered } from './rendered.ts'
import { stepsFile } from './steps-repo.ts'
import { createRepo } from './tmp-repo.ts'
import { trackJobs } from './track-jobs.ts'
import { waitFor } from './wait-for.ts'

/** The address under which pods of the test's node reach this machine; without one, tests with real pods are skipped by name. */
const address = process.env['RAIBID_TEST_NODE'] ?? ''
const missing = Object.entries({ RAIBID_TEST_KUBECONFIG: testKubeconfig, RAIBID_TEST_NODE: address })
  .filter(([, value]) => !value)
  .map(([name]) => name)
export const withPods = (name: string, body: () => void): void =>
  void describe.skipIf(missing.length > 0)(missing.length ? `${name} [skipped: ${missing.join(', ')} not set]` : name, body)

const decoded = (data: Record<string, string>, key: string): string => Buffer.from(data[key]!, 'base64').toString()

/**
 * Namespace `ci` as `just manifests --overlay dev` has it: `serve` as its own pod, agents by KEDA. Only Redis is not in the cluster: it is this
 * machine's, with the users of our Secrets, at the address of the node. `patch` may change what is applied.
 */
export async function podsWorld(raibidYaml: string, patch: (one: KubeObject) => void = () => {}) {
  const kube = await openKube({ kubeconfig: testKubeconfig })
  const hook = serveSecret({ random: randomBytes })
  const secrets = [...redisSecrets({ random: randomBytes }), hook]
  const [acl, app] = [secrets[0]!.data, secrets[1]!.data]
  const url = new URL(decoded(app, 'url'))
  const users = decoded(acl, 'users.acl')
  const redis = await startRedisAt({ host: address, acl: { users, login: `app:${url.password}@` } })
  app['url'] = Buffer.from(redis.url).toString('base64')
  const served = mkdtempSync(join(tmpdir(), 'raibid-served-'))
  const git = await startGitServer({ root: served, address })
  const namespace = cluster.namespace
  const all = (await rendered('dev', raibidYaml)) as KubeObject[]
  const ours = [...all, ...(secrets as KubeObject[])].filter(
    ({ metadata }) => metadata.namespace === namespace || metadata.name === namespace,
  )
  const pools = ours.filter(({ kind }) => kind === 'ScaledJob').map(({ metadata }) => metadata.labels![cluster.poolLabel]!)
  const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
  const leave = async (): Promise<void> => {
    await kube.remove(home)
    await waitFor('the end of the namespace', async () => (await kube.get(home)) === null, 120_000)
  }
  await leave()
  const text = JSON.stringify(ours).replaceAll(cluster.redisAddress, `${address}:${redis.port}`)
  // what is needed first comes first; Secrets are no part of that order
  const objects = (JSON.parse(text) as KubeObject[]).toSorted((a, b) => rank(a) - rank(b))
  for (const one of objects) {
    patch(one)
    await kube.apply(one)
  }
  const stop = new AbortController()
  const seen = trackJobs(kube, namespace, stop.signal)
  const client = redis.client()
  const queue = roles(client, {}, pools)
  const send = (what: Partial<JobSpec>, n: number): Promise<string[]> =>
    Promise.all(Array.from({ length: n }, async () => (await queue.jobs.enqueue(aSpec({ ...what, env: { N: ulid() } }))).id))
  const serveRuns = async () => {
    const one = await kube.get<KubeObject & { status?: { availableReplicas?: number } }>({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
      metadata: { name: cluster.serve, namespace },
    })
    return one?.status?.availableReplicas === 1
  }
  await waitFor('the pod of serve', serveRuns, 60_000)
  return {
    ...{ kube, namespace, redis, client, queue, ...seen },
    webhookSecret: decoded(hook.data, 'webhook-secret'),
    /** Where `serve` listens: the address of its pod, as the node reaches it. */
    async serveUrl(): Promise<string> {
      const labels = `${cluster.nameLabel}=${cluster.serve}`
      const { items } = await kube.list<Pod & { status?: { podIP?: string } }>({ ...kinds.pod, namespace, labels })
      return `http://${items[0]!.status!.podIP}:${cluster.servePort}`
    },
    job: async (id: string) => (await queue.reader.job(id))!,
    /** Builds one of fixtures/. */
    async fixture(pool: string, name: string): Promise<string> {
      await makeRepository(join(served, name), { fixture: join(project, 'fixtures', name) })
      return (await send({ pool, repo: `${git.url}/${name}`, commit: '' }, 1))[0]!
    },
    /** Jobs that run this script, each the only one of its kind. */
    async enqueue(pool: string, script: string, n = 1): Promise<string[]> {
      const name = ulid()
      const { commit } = createRepo({ path: join(served, name), files: stepsFile(script) })
      return send({ pool, repo: `${git.url}/${name}`, commit }, n)
    },
    async close(): Promise<void> {
      stop.abort()
      await seen.stopped
      await leave().finally(async () => {
        kube.close()
        await git.close()
        await redis.stop()
      })
    },
  }
}
const rank = ({ kind }: KubeObject): number => (kind === 'Namespace' ? 0 : kind === 'Secret' ? 1 : 2)
export type PodsWorld = Awaited<ReturnType<typeof podsWorld>>
