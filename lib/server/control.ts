/** The part of `serve` that answers: webhooks, API, pages, metrics; and what a forge is told. */
import type { Redis } from 'ioredis'
import type { Config } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { producer } from '#lib/queue/producer.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { tokens as tokensOf } from '#lib/queue/tokens.ts'
import { logFrame } from './api/log.ts'
import type { Counters } from './counters.ts'
import { serveApp } from './http/app.ts'
import { authority } from './http/auth.ts'
import { readiness } from './http/health.ts'
import { isLoopback, listen } from './http/listen.ts'
import { rateLimit } from './http/rate-limit.ts'
import { deliver } from './hooks/deliver.ts'
import type { Decision } from './hooks/policy.ts'
import { eventHub } from './live/event-hub.ts'
import { logHub } from './live/log-hub.ts'
import { metrics as metricsOf } from './metrics.ts'
import type { MirrorFigures } from './mirror-figures.ts'
import { poller } from './poll.ts'
import { repoHeads } from './repo-heads.ts'
import type { Say } from './say.ts'
import { scheduler } from './scheduled.ts'

export interface ControlOptions {
  config: Config
  redis: Redis
  redisUrl: string
  host: string
  port: number
  /** Secrets under which webhooks are accepted. */
  secrets: string[]
  counters: Counters
  mirrors: MirrorFigures | null
  sync: (mirror: string) => Promise<void>
  signal: AbortSignal
  say: Say
}

/** Listens; gives the address, and what ends it. UsageError when the address can't be had. */
export async function control(options: ControlOptions) {
  const { config, redis, redisUrl, host, port, secrets, counters, mirrors, sync, signal, say } = options
  const pools = Object.keys(config.pools)
  const reader = readerOf(redis)
  const jobs = producer(redis, config.limits, pools)
  const tokens = tokensOf(redis)
  // a blocking read is silent for longer than an answer may be due
  const connect = (): Redis => connectLasting(redisUrl, { silentMs: 15_000 })
  const events = eventHub(connect, redis, signal)
  events.running.catch((error: unknown) => say('events', 'trouble', { why: messageOf(error) }))
  const logs = logHub({ connect, redis, encode: logFrame, onError: (error) => say('log', 'trouble', { why: messageOf(error) }) })
  const metrics = metricsOf({ reader, pools, events, counters, watchers: logs.watchers, mirrors })
  const hooks = { redis, jobs, reader, sync, home: config.home, key: config.cluster?.secretKey, env: process.env }
  const app = serveApp({
    api: { redis, reader, jobs, config, pools, logs, events, tokens },
    hooks: {
      ...{ ...hooks, secrets, policies: config.repositories, forges: config.forges },
      tell(forge, outcome, facts) {
        metrics.webhook(forge, outcome)
        say('webhook', outcome, { forge, ...facts })
      },
    },
    allow: authority({
      check: tokens.check,
      open: config.serve.public ?? isLoopback(host),
      limit: rateLimit({ burst: 300, perSecond: 100 }),
    }),
    health: readiness(redis),
    metrics: metrics.text,
    log: ({ request, method, path, status, ms, why }) =>
      say('http', `${method} ${path.slice(0, 200)}`, { status, ms, request, why }),
  })
  const remote = repoHeads({ forges: config.forges, credentials: config.git.credentials, signal })
  const looks = {
    ...{ redis, policies: config.repositories, signal, say },
    deliver: (source: string, id: string, decision: Decision) => deliver(hooks, source, id, decision),
  }
  const listening = await listen(app, host, port)
  return {
    url: listening.url,
    poll: poller({ ...looks, remote, forges: config.forges }),
    schedule: scheduler({ ...looks, main: remote.main }).run,
    metrics,
    async close() {
      logs.close()
      await listening.close()
    },
  }
}
