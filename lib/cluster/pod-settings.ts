import { createRequire } from 'node:module'
import type { Config } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'

/** What an agent of a pool is in a cluster, decided. */
export interface PodSettings {
  image: string
  cpu: string
  /** undefined: whatever the node has to spare. */
  cpuLimit: string | undefined
  memory: string
  disk: string
  gpu: number
  nodeSelector: Record<string, string>
  env: Record<string, string>
  longestBuildMs: number
  /** Null: what a build leaves goes with its pod. */
  cache: { claim: string; readOnly: boolean } | null
}

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/** The image that `just image` builds, by its stage. */
export const agentImage = (stage: 'default' | 'rust' = 'default'): string =>
  `${cluster.image}:${version}${stage === 'default' ? '' : `-${stage}`}`

/**
 * raibid.yaml with the defaults. A core is shared out by weight when all want it, so half of one for each lets as many agents run as there
 * are cores; memory isn't, so what is kept is also the limit.
 */
export function podSettings(config: Config, pool: string): PodSettings {
  const file = config.pods[pool] ?? {}
  return {
    image: file.image ?? agentImage(),
    cpu: file.cpu ?? '500m',
    cpuLimit: file.cpuLimit,
    memory: file.memory ?? '4Gi',
    disk: file.disk ?? '10Gi',
    gpu: file.gpu ?? 0,
    nodeSelector: file.nodeSelector ?? {},
    env: file.env ?? {},
    cache: file.cacheVolume ? { claim: file.cacheVolume, readOnly: file.cacheReadOnly ?? false } : null,
    longestBuildMs: file.longestBuild ?? Math.max(6 * 3_600_000, config.jobTimeoutMs),
  }
}
