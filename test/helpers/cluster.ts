import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { openKube } from '#lib/cluster/kube.ts'
import { kinds } from '#lib/cluster/types.ts'
import { hasCondition } from '#lib/cluster/wait.ts'
import { root } from '#lib/config.ts'
import { cluster, env } from '#lib/contract.ts'
import { fakeKubelet, type KubeletOptions } from './kubelet.ts'
import { roles } from './queue.ts'
import { serveAccount } from './serve-account.ts'
import { startRedis } from './redis-server.ts'
import { scaledJobOf, type PoolShape } from './scaled-job.ts'
import { trackJobs } from './track-jobs.ts'
import { waitFor } from './wait-for.ts'

/** The API server that tests may use as they like; without one they are skipped by name. */
export const testKubeconfig = process.env['RAIBID_TEST_KUBECONFIG'] ?? ''
export const withCluster = (name: string, body: () => void): void =>
  void describe.skipIf(!testKubeconfig)(testKubeconfig ? name : `${name} [skipped: RAIBID_TEST_KUBECONFIG is not set]`, body)

/** A namespace with a Redis, a queue, a kubelet that starts real agents, and, when wanted, `just serve`. */
export async function testCluster({ pools, instead }: { pools: string[]; instead?: KubeletOptions['instead'] }) {
  const kube = await openKube({ kubeconfig: testKubeconfig })
  const namespace = `e2e-${Math.random().toString(36).slice(2, 8)}`
  await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const pods = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
  await waitFor('the service account', () => kube.get(pods))
  const redis = await startRedis()
  const client = redis.client()
  const queue = roles(client, {}, pools)
  const node = `node-of-${namespace}`
  const kubelet = fakeKubelet({ kube, namespace, node, redisUrl: redis.url, ...(instead && { instead }) })
  const home = mkdtempSync(join(tmpdir(), 'raibid-serve-'))
  const config = join(home, 'raibid.yaml')
  writeFileSync(config, JSON.stringify({ pools: Object.fromEntries(pools.map((pool) => [pool, {}])) }))
  // what serve may not do, it can't do here either
  const account = await serveAccount(kube, testKubeconfig, namespace, home)
  const stop = new AbortController()
  const seen = trackJobs(kube, namespace, stop.signal)
  const serves: { child: ChildProcess; said: string[] }[] = []
  const serveEnv = {
    ...process.env,
    [env.home]: home,
    [env.redisUrl]: redis.url,
    [env.config]: config,
    KUBECONFIG: account.path,
  }
  return {
    kube,
    namespace,
    redis,
    client,
    queue,
    kubelet,
    env: serveEnv,
    ...seen,
    /** What there is to know when a test fails: every Job of a pool, and what `serve` said of it. */
    story: (pool: string): string => {
      const lines = seen.jobs(pool).map(({ at, end, job: { metadata } }) => {
        const times = [at, end].map((ms) => ms && new Date(ms).toISOString())
        return [metadata.name, metadata.labels?.['app.kubernetes.io/managed-by'], ...times].join(' ')
      })
      const said = serves.flatMap((one) => one.said.join('').split('\n'))
      return [...lines, ...said.filter((line) => line.includes(pool))].join('\n')
    },
    async scaledJob(shape: Omit<PoolShape, 'namespace' | 'address'>) {
      const object = scaledJobOf({ namespace, address: `127.0.0.1:${redis.port}`, nodeName: node, ...shape })
      const fresh = (await kube.get(object)) === null
      await kube.apply(object, { force: true })
      // KEDA takes up a new ScaledJob twice within a tenth of a second, and what the first loop was just creating is not counted by the
      // second: with work waiting, one Job more than max (seen; v2.20.2, scale_handler.go, HandleScalableObject)
      if (fresh) {
        await waitFor('KEDA to take it up', async () => hasCondition('Ready')(await kube.get(object)), 20_000)
        const since = Date.now()
        await waitFor('its second loop', () => Date.now() - since > 1000)
      }
      return object
    },
    /** `just serve`, as a process. */
    serve(...args: string[]) {
      const file = join(root, 'tasks/pool/serve.ts')
      const child = spawn(process.execPath, [file, '--cluster', '--namespace', namespace, ...args], {
        env: serveEnv,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const said: string[] = []
      child.stderr!.setEncoding('utf8').on('data', (text: string) => said.push(text))
      serves.push({ child, said })
      return { child, said: () => said.join('') }
    },
    async close(): Promise<void> {
      for (const { child } of serves) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      stop.abort()
      await seen.stopped
      for (const pool of pools)
        await kube.remove({ ...kinds.scaledJob, metadata: { name: cluster.scaledJob(pool), namespace } }).catch(() => {})
      await kubelet.close()
      const left = await kube.list({ ...kinds.pod, namespace }).catch(() => ({ items: [] }))
      for (const pod of left.items) await kube.remove(pod, { graceSeconds: 0 }).catch(() => {})
      await account.remove()
      await kube.remove({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }).catch(() => {})
      await kube.remove({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } }).catch(() => {})
      kube.close()
      await redis.stop()
    },
  }
}

export type TestCluster = Awaited<ReturnType<typeof testCluster>>
