import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { openStore } from '#lib/artifacts/store.ts'
import { keepSwept } from '#lib/artifacts/sweep.ts'
import { eventWriter } from '#lib/cluster/event.ts'
import { openKube } from '#lib/cluster/kube.ts'
import type { KubeChoice } from '#lib/cluster/kubeconfig.ts'
import { kinds } from '#lib/cluster/types.ts'
import type { Config } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import { hasClaimed } from '#lib/queue/claims.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keeper as keeperOf, keepOn, pause } from '#lib/queue/keeper.ts'
import { limits as defaults } from '#lib/queue/limits.ts'
import { notePoolTrouble } from '#lib/queue/notes.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { backstop } from './backstop.ts'
import { counters } from './counters.ts'
import { watchHung } from './hung.ts'
import { clusterMirror } from './mirror.ts'
import { jobNameOf } from './pod-verdict.ts'
import { podWatch } from './podwatch.ts'
import type { Say } from './say.ts'
import { superfluousJobs } from './tidy.ts'

export interface ServeOptions {
  config: Config
  redisUrl: string
  /** The cluster whose pods are watched; null: none. */
  kube: KubeChoice | null
  namespace: string
  /** How long work may wait for KEDA; default 15 s. */
  bound?: number | undefined
  signal: AbortSignal
  say: Say
}

/**
 * The control plane, until the signal: keeps the queue, and of a cluster watches the pods and whether work gets its agents. Any number may run
 * at once. Waits for Redis and the API server however long they are away. Only a cluster that isn't configured is an error.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, redisUrl, signal, say } = options
  const limits = { ...defaults, ...config.limits }
  const kube = options.kube && (await openKube(options.kube))
  const redis = connectLasting(redisUrl)
  redis.on('ready', () => say('redis', 'reached'))
  redis.on('close', () => signal.aborted || say('redis', 'away'))
  const pools = new Set(Object.keys(config.pools))
  const keeper = keeperOf(redis, () => [...pools], limits)
  const keeping = keepOn(keeper, signal, (error) => say('keeper', 'trouble', { why: messageOf(error) }))
  const watching = kube ? watchCluster() : Promise.resolve()
  const sweeping = keepSwept(
    () => openStore(config),
    readerOf(redis),
    signal,
    (text) => say('artifacts', 'swept', { text }),
  )

  async function watchCluster(): Promise<void> {
    const { namespace, bound } = options
    const reader = readerOf(redis)
    const { count } = counters()
    const tell = eventWriter(kube!, (error) => say('cluster', 'trouble', { why: error.message }))
    if (!(await kube!.ready(signal, (why) => say('cluster', 'waiting', { why: why.message })))) return
    say('cluster', 'reached', { server: kube!.server, context: kube!.context, namespace })
    const shared = { kube: kube!, namespace, tell, count, say }
    const watch = podWatch({ ...shared, keeper, hasClaimed: (agent) => hasClaimed(redis, agent) })
    let changed = (): void => {}
    const mirror = clusterMirror({
      ...shared,
      signal,
      onChange: () => changed(),
      onGone: (pod) => watch.gone(pod, mirror.jobs.get(jobNameOf(pod) ?? '') ?? null),
    })
    const hung = watchHung({
      ...{ ...shared, mirror, watch, signal, lease: limits.lease },
      agents: () => reader.agents(),
      reachable: () => redis.status === 'ready',
    })
    const look = backstop({
      ...shared,
      ...(bound !== undefined && { bound }),
      holder: `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
      counts: (names) => reader.counts(names),
      note: (pool, text) => notePoolTrouble(redis, pool, text),
    })

    /** Again and again until the signal; an error is told, and the next round is another try. */
    async function every(ms: number, area: string, work: () => Promise<void>): Promise<void> {
      while (!signal.aborted) {
        await work().catch((error: unknown) => signal.aborted || say(area, 'trouble', { why: messageOf(error) }))
        await pause(ms, signal)
      }
    }
    /** At each change of the cluster, and once a second for what changes by time alone. */
    async function podsLook(): Promise<void> {
      const woken = new Promise<void>((wake) => (changed = wake))
      await watch.look(mirror)
      await Promise.race([woken, pause(1000, signal)])
    }
    await Promise.all([
      mirror.stopped,
      hung,
      every(20, 'podwatch', podsLook),
      every(2000, 'truth', async () => {
        for (const one of mirror.scaledJobs.values()) pools.add(one.metadata.labels?.[cluster.poolLabel] ?? 'default')
        await look(mirror, [...pools])
      }),
      every(30_000, 'podwatch', async () => {
        for (const job of superfluousJobs([...mirror.jobs.values()], [...mirror.scaledJobs.values()], Date.now()))
          if (await kube!.remove({ ...kinds.job, metadata: job.metadata })) count('tidied')
      }),
    ])
  }

  const stopped = new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())))
  try {
    // a fault in one part ends all: whoever started us starts us again
    await Promise.race([stopped, Promise.all([keeping, watching])])
  } finally {
    // what still waits for a Redis that is away is refused, so that nothing keeps the end
    redis.disconnect()
    kube?.close()
    await Promise.allSettled([keeping, watching, sweeping])
  }
}
