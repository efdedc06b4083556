import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { openKube } from '#lib/cluster/kube.ts'
import { kinds, type Job } from '#lib/cluster/types.ts'
import { hasCondition } from '#lib/cluster/wait.ts'
import { watch } from '#lib/cluster/watch.ts'
import { root } from '#lib/config.ts'
import { cluster, env } from '#lib/contract.ts'
import { isFinished } from '#lib/server/pod-verdict.ts'
import { fakeKubelet, type KubeletOptions } from './kubelet.ts'
import { roles } from './queue.ts'
import { serveAccount } from './serve-account.ts'
import { startRedis } from './redis-server.ts'
import { scaledJobOf, type PoolShape } from './scaled-job.ts'
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
  /** Every Job ever seen, by pool: when, and when it was finished. */
  const jobs = new Map<string, { pool: string; at: number; end: number | null; job: Job }>()
  const peak = new Map<string, number>()
  const note = (job: Job): void => {
    const { uid = '', labels = {} } = job.metadata
    const pool = labels[cluster.poolLabel] ?? ''
    const known = jobs.get(uid) ?? { pool, at: Date.now(), end: null, job }
    known.job = job
    if (isFinished(job)) known.end ??= Date.now()
    jobs.set(uid, known)
    peak.set(pool, Math.max(peak.get(pool) ?? 0, unfinished(pool)))
  }
  const gone = (uid: string): void => {
    const known = jobs.get(uid)
    if (known) known.end ??= Date.now()
  }
  const of = (pool: string) => [...jobs.values()].filter((one) => one.pool === pool)
  const unfinished = (pool: string): number => of(pool).filter(({ end }) => end === null).length
  const watching = watch<Job>(
    kube,
    { ...kinds.job, namespace },
    {
      full(all) {
        const uids = new Set(all.map(({ metadata }) => metadata.uid))
        for (const uid of jobs.keys()) if (!uids.has(uid)) gone(uid)
        all.forEach(note)
      },
      change: (type, job) => (type === 'DELETED' ? gone(job.metadata.uid!) : note(job)),
    },
    stop.signal,
  )
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
    /** When Jobs of a pool were first seen, ms. */
    created: (pool: string) => of(pool).map(({ at }) => at),
    jobs: of,
    unfinished,
    /** What there is to know when a test fails: every Job of a pool, and what `serve` said of it. */
    story: (pool: string): string => {
      const lines = of(pool).map(({ at, end, job: { metadata } }) =>
        [
          metadata.name,
          metadata.labels?.['app.kubernetes.io/managed-by'],
          new Date(at).toISOString(),
          end && new Date(end).toISOString(),
        ].join(' '),
      )
      return [
        ...lines,
        ...serves.flatMap(({ said }) =>
          said
            .join('')
            .split('\n')
            .filter((line) => line.includes(pool)),
        ),
      ].join('\n')
    },
    peak: (pool: string) => peak.get(pool) ?? 0,
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
      await watching
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
