import { join, resolve } from 'node:path'
import { giteaCredentials, readAccess, type ClusterAccess } from './cluster-access.ts'
import { environment } from './config-env.ts'
import { loadDotenv, noted, readConfigFile } from './config-files.ts'
import { forgesOf, type Forge } from './config-forges.ts'
import { limits, pods, pools, type PoolsConfig } from './config-pools.ts'
import type { PodFile } from './config-pool-schema.ts'
import { env as names, files } from './contract.ts'
import { UsageError } from './errors.ts'
import { repositoryPolicies, type RepositoryPolicy } from './config-repositories.ts'
import { gitCredentials, type GitCredential } from './git-credentials.ts'
import { runningPool } from './pool/state.ts'
import type { Registry } from './registry/name.ts'
import type { Limits } from './queue/limits.ts'

export type { Forge } from './config-forges.ts'
export type { GitCredential } from './git-credentials.ts'
export { redactUrl } from './redact-url.ts'

/** Everything this installation may choose, decided. Times are milliseconds, sizes bytes. */
export interface Config {
  /** Folder of the justfile. */
  root: string
  /** Folder of all local state. */
  home: string
  /** null: no pool is running here, no cluster was made from here, and no other Redis was named. */
  redisUrl: string | null
  /** Somebody else runs that Redis: it was named by a flag, the environment or raibid.yaml. */
  redisGiven: boolean
  /** The cluster that bootstrap made from here, when that is what tasks work with: no other Redis was named, and no local pool is at work. */
  cluster: ClusterAccess | null
  pools: PoolsConfig
  /** What raibid.yaml says of the pools' agents in a cluster (lib/cluster/pod-settings.ts has the defaults). */
  pods: Record<string, PodFile>
  jobTimeoutMs: number
  serve: { public: boolean | null }
  /** What is built of which repository, the first match first; never empty. */
  repositories: RepositoryPolicy[]
  git: { credentials: GitCredential[] }
  /** Where artifacts are kept: a folder, or the URL of an owner at a Gitea. */
  artifacts: string
  /** Where images go; null: nowhere. */
  registry: Registry | null
  forges: Forge[]
  publicUrl: string | null
  /** Where what needs a person is posted; may hold a token, so it is never shown. */
  notifyUrl: string | null
  agentMaxJobs: number
  agentIdleMs: number
  /** A build ends here, whatever its job asks for; 0: no such bound. */
  longestBuildMs: number
  passEnv: string[]
  /** The builds' caches: where, and when they go (lib/cache/room.ts). */
  cache: { folder: string; maxAge: number; maxSize: number; minFree: number | null }
  /** How much mirroring does at once, and what of the disk it leaves. */
  mirrors: { parallel: number; perHost: number; disk: string | null; minFree: number | null; maxBytes: number }
  /** What of the queue's numbers (lib/queue/limits.ts) is not the default here. */
  limits: Partial<Limits>
}

/** What a task's flags may override; `max` and `warm` are those of the pool `default`. */
export interface ConfigFlags {
  redisUrl?: string | undefined
  max?: number | undefined
  warm?: number | undefined
}

/** A mistake in the configuration; every one that was found, one a line. */
export class ConfigError extends UsageError {
  override name = 'ConfigError'
}

export const root = resolve(import.meta.dirname, '..')

/** Defaults ← raibid.yaml ← environment (and `.env`) ← flags. Throws a ConfigError that names every mistake at once. */
export async function loadConfig({
  env = process.env,
  flags = {},
}: { env?: NodeJS.ProcessEnv; flags?: ConfigFlags } = {}): Promise<Config> {
  if (env === process.env) loadDotenv(root)
  const problems: string[] = []
  const file = await readConfigFile(root, env, problems)
  const home = resolve(root, env[names.home] || '.raibid')
  const read = environment(env, problems)
  const given = flags.redisUrl ?? (read.redisUrl(names.redisUrl) || file.redisUrl)
  const access = readAccess(home)
  const forges = forgesOf(file.forges ?? [], { env, root, access }, problems)
  const own = access && runningPool(home) ? noted(home) : null
  const cluster = given === undefined && own === null ? access : null
  const ofCluster = cluster ? giteaCredentials(cluster) : []
  const config: Config = {
    root,
    home,
    redisUrl: given ?? own ?? (access ? access.redisUrl : noted(home)),
    redisGiven: given !== undefined,
    cluster,
    pools: pools(file, flags, problems),
    pods: pods(file),
    jobTimeoutMs: file.jobTimeout ?? 3_600_000,
    serve: { public: file.serve?.public ?? null },
    repositories: repositoryPolicies(file.repositories, forges, problems),
    git: { credentials: [...gitCredentials(env, home, problems), ...ofCluster] },
    artifacts: read.artifacts(names.artifacts, root) ?? file.artifacts ?? join(home, files.artifacts),
    registry: read.registry(names.registry) ?? file.registry ?? null,
    forges,
    publicUrl: read.webUrl(names.publicUrl) ?? file.publicUrl ?? null,
    notifyUrl: read.notifyUrl(names.notifyUrl) ?? file.notify?.webhook ?? null,
    agentMaxJobs: read.whole(names.agentMaxJobs, 1) ?? file.agent?.maxJobs ?? 1,
    agentIdleMs: seconds(read.whole(names.agentIdle, 0, 2_000_000)) ?? file.agent?.idle ?? 30_000,
    longestBuildMs: seconds(read.whole(names.longestBuild, 1, 24 * 86_400)) ?? 0,
    passEnv: read.names(names.passEnv) ?? file.agent?.passEnv ?? [],
    cache: {
      folder: env[names.cache] ? resolve(root, env[names.cache]!) : join(home, files.buildCache),
      maxAge: file.cache?.maxAge ?? 7 * 86_400_000,
      maxSize: file.cache?.maxSize ?? 50 * 2 ** 30,
      minFree: file.cache?.minFree ?? null,
    },
    mirrors: { parallel: 8, perHost: 4, disk: null, minFree: null, maxBytes: 100 * 2 ** 30, ...file.mirrors },
    limits: limits(file, read),
  }
  if (problems.length) throw new ConfigError(problems.join('\n'))
  return config
}

const seconds = (value: number | undefined) => (value === undefined ? undefined : value * 1000)
