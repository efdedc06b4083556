import { openStore } from '#lib/artifacts/store.ts'
import { keepSwept } from '#lib/artifacts/sweep.ts'
import type { KubeChoice } from '#lib/cluster/kubeconfig.ts'
import { isBuilt } from '#lib/config-forges.ts'
import type { Config } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keeper as keeperOf, keepOn } from '#lib/queue/keeper.ts'
import { limits as defaults } from '#lib/queue/limits.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { queueSince } from '#lib/queue/since.ts'
import { control } from './control.ts'
import { counters as countersOf } from './counters.ts'
import { githubOf } from './github-of.ts'
import type { Metrics } from './metrics.ts'
import { mirrorFigures } from './mirror-figures.ts'
import { mirrorSync } from './mirror-sync.ts'
import type { Say } from './say.ts'

export interface ServeOptions {
  config: Config
  redisUrl: string
  host: string
  port: number
  /** Secrets under which webhooks are accepted. */
  secrets: string[]
  /** The cluster whose pods are watched; null: none. */
  kube: KubeChoice | null
  namespace: string
  /** How long work may wait for KEDA; default 15 s. */
  bound?: number | undefined
  /** Called with the address once it listens. */
  onListen?: (url: string) => void
  signal: AbortSignal
  say: Say
}

/**
 * The control plane, until the signal: answers webhooks, API and pages, keeps the queue, and of a cluster watches the pods and whether work gets
 * its agents. Any number may run at once. Waits for Redis and the API server however long they are away. Throws UsageError for an address that
 * can't be had, and for a cluster that isn't configured.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, redisUrl, signal, say } = options
  const limits = { ...defaults, ...config.limits }
  const redis = connectLasting(redisUrl)
  redis.on('ready', () => say('redis', 'reached'))
  redis.on('close', () => signal.aborted || say('redis', 'away'))
  const pools = new Set(Object.keys(config.pools))
  const counters = countersOf()
  const keeper = keeperOf(redis, () => [...pools], limits)
  const ended = new AbortController()
  const end = (): void => ended.abort()
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  let listening: Awaited<ReturnType<typeof control>> | undefined
  const parts: Promise<void>[] = []
  const ours = config.forges.find(({ kind }) => kind === 'gitea')
  const mirrors = ours ? mirrorFigures({ forge: ours, signal: ended.signal }) : null
  const sync = mirrorSync({
    redis,
    forges: config.forges,
    signal: ended.signal,
    say,
    ...(mirrors && { onAsked: mirrors.follow }),
  })
  try {
    const { host, port, secrets } = options
    listening = await control({
      ...{ config, redis, redisUrl, host, port, secrets, counters, mirrors, say },
      sync: sync.ask,
      signal: ended.signal,
    })
    options.onListen?.(listening.url)
    for (const { url } of config.forges.filter((forge) => !isBuilt(forge)))
      say('forge', 'only a source of mirrors', { url, reason: 'no webhooks or commit statuses for GitLab' })
    parts.push(keepOn(keeper, ended.signal, (error) => say('keeper', 'trouble', { why: messageOf(error) })))
    parts.push(
      keepSwept(
        () => openStore(config),
        { ...readerOf(redis), since: () => queueSince(redis) },
        ended.signal,
        (text) => say('artifacts', 'swept', { text }),
      ),
    )
    parts.push(sync.run(), listening.poll(), listening.schedule())
    if (config.forges.some(isBuilt)) parts.push(tellForges(listening.metrics))
    if (options.kube) parts.push(watch(options.kube))
    const stopped = new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
    )
    // a fault in one part ends all: whoever started us starts us again
    await Promise.race([stopped, Promise.all(parts)])
  } finally {
    end()
    await listening?.close()
    // what still waits for a Redis that is away is refused, so that nothing keeps the end
    redis.disconnect()
    await Promise.allSettled(parts)
  }

  async function tellForges({ status }: Metrics): Promise<void> {
    const { driveStatuses } = await import('./status/drive.ts')
    // an address that means all of this machine's is nobody's to click on
    const publicUrl = config.publicUrl ?? (/\/\/(0\.0\.0\.0|\[::\]):/.test(listening!.url) ? null : listening!.url)
    const said = { ...config, publicUrl }
    await driveStatuses({ redis, config: said, signal: ended.signal, say, count: status, githubOf: githubOf(config) })
  }

  async function watch(choice: KubeChoice): Promise<void> {
    const { watchCluster } = await import('./cluster/watch-cluster.ts')
    const { namespace, bound } = options
    await watchCluster({ choice, namespace, bound, redis, keeper, limits, counters, pools, signal: ended.signal, say })
  }
}
