import { env } from './contract-env.ts'

/**
 * Every name that two processes must agree on. Nothing here computes; docs, manifests and tests are checked against this file.
 * (Redis keys are the business of lib/queue/keys.ts alone.)
 */

export { cluster } from './contract-cluster.ts'
export { env, stepEnv } from './contract-env.ts'

/** Files under RAIBID_HOME that scripts may rely on. */
export const files = {
  redisPid: 'run/redis.pid',
  redisUrl: 'run/redis.url',
  poolPid: 'run/pool.pid',
  poolLog: 'run/pool.log',
  pool: 'run/pool.json',
  servePid: 'run/serve.pid',
  serveUrl: 'run/serve.url',
  serveLog: 'run/serve.log',
  webhookSecret: 'webhook-secret',
  pools: 'pools',
  agents: 'run/agents',
  secretKey: 'secret.key',
  gitCredentials: 'git-credentials',
  redisData: 'redis',
  work: 'work',
  preflights: 'preflight',
  tmp: 'run/tmp',
  artifacts: 'artifacts',
  compileCache: 'cache/node',
  buildCache: 'cache/builds',
  mirrorListings: 'mirrors/listings',
  schedule: 'schedule',
  clusterState: 'cluster/state.json',
  clusterLock: 'cluster/lock',
  clusterAccess: 'cluster/access.json',
  clusterConnect: 'cluster/connect.json',
  clusterPins: 'cluster/pins.json',
  clusterReleases: 'cluster/releases',
} as const

/** Paths of `serve`'s HTTP. */
export const routes = {
  webhook: (forge: 'gitea' | 'github') => `/webhooks/${forge}`,
  api: '/api/v1',
  healthz: '/healthz',
  readyz: '/readyz',
  metrics: '/metrics',
} as const

/** The file in a built repository that says how to build it. */
export const pipelineFile = '.raibid.yaml'

/**
 * How node runs an agent: a build that prints a gigabyte passes through it, and short-lived strings must not pile up (measured: 300 MB without).
 * SIGUSR1, which any process of its user may send, would open node's debugger on loopback, and with it all that an agent knows.
 */
export const agentNodeFlags = ['--max-semi-space-size=2', '--max-old-space-size=96', '--disable-sigusr1'] as const

/** How node runs `serve`: without, V8 lets the garbage of short requests grow to 200 MB before it looks at it (measured: 310 MB instead of 133). */
export const serveNodeFlags = ['--max-semi-space-size=2', '--max-old-space-size=256'] as const

/** What an agent of the image must not have in its environment, which its builds can read; agent/start.sh hands these over in another way. */
export const agentSecrets = [env.redisUrl, env.secretKey, env.gitCredentials] as const

/** Argument of an agent that is handed them: as lines `NAME=value` on its standard input, a pipe. */
export const secretsFlag = '--secrets-on-stdin'

/** Argument of an agent that boots ahead of its use: it waits on its IPC channel to be told its pool, and connects to nothing before. */
export const spareFlag = '--spare'
/** What an agent is told when it is started, and a spare when it becomes one. */
export interface Orders {
  pool: string
  idleMs: number
}

/** A second argument of it: nobody is at work, so it has the time to go the way of a job once (agent/rehearsal.ts). */
export const rehearseFlag = '--rehearse'

export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const
