/** What `serve` does for a cluster: watches its pods, and whether work gets its agents. Loads the Kubernetes client: import it lazily. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import { eventWriter } from '#lib/cluster/event.ts'
import { openKube } from '#lib/cluster/kube.ts'
import type { KubeChoice } from '#lib/cluster/kubeconfig.ts'
import { kinds } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import { hasClaimed } from '#lib/queue/claims.ts'
import { pause, type Keeper } from '#lib/queue/keeper.ts'
import type { Limits } from '#lib/queue/limits.ts'
import { notePoolTrouble } from '#lib/queue/notes.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { backstop } from './backstop.ts'
import type { Counters } from '../counters.ts'
import { watchHung } from './hung.ts'
import { clusterMirror } from './mirror.ts'
import { jobNameOf } from './pod-verdict.ts'
import { podWatch } from './podwatch.ts'
import type { Say } from '../say.ts'
import { forgottenJobs, superfluousJobs } from './tidy.ts'

export interface WatchOptions {
  choice: KubeChoice
  namespace: string
  bound?: number | undefined
  redis: Redis
  keeper: Keeper
  limits: Limits
  counters: Counters
  /** Names of the pools; those of ScaledJobs are added. */
  pools: Set<string>
  signal: AbortSignal
  say: Say
}

/** Until the signal. Only a cluster that isn't configured is an error. */
export async function watchCluster(options: WatchOptions): Promise<void> {
  const { namespace, bound, redis, keeper, limits, pools, signal, say } = options
  const { count } = options.counters
  const kube = await openKube(options.choice)
  const reader = readerOf(redis)
  // what waits for its answer is refused, so that nothing keeps the end
  signal.addEventListener('abort', () => kube.close())
  try {
    const tell = eventWriter(kube, (error) => say('cluster', 'trouble', { why: error.message }))
    if (!(await kube.ready(signal, (why) => say('cluster', 'waiting', { why: why.message })))) return
    say('cluster', 'reached', { server: kube.server, context: kube.context, namespace })
    const shared = { kube, namespace, tell, count, say }
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
        const jobs = [...mirror.jobs.values()]
        const forgotten = forgottenJobs(jobs, [...mirror.pods.values()], Date.now())
        for (const { metadata } of forgotten)
          say('podwatch', 'forgotten', { job: metadata.name!, why: 'its agent has failed, and it still counts' })
        for (const job of [...forgotten, ...superfluousJobs(jobs, [...mirror.scaledJobs.values()], Date.now())])
          if (await kube.remove({ ...kinds.job, metadata: job.metadata })) count('tidied')
      }),
    ])
  } finally {
    kube.close()
  }
}
