import { stringify } from 'yaml'
import type { Config } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import type { KubeObject } from './object.ts'

const duration = (ms: number): string => (ms % 1000 ? `${ms}ms` : `${ms / 1000}s`)

/** raibid.yaml as agents and `serve` read it in the cluster: what was decided here, without the address of Redis, which is a Secret there. */
export function configMap(config: Config): KubeObject {
  const { agentMaxJobs: maxJobs, agentIdleMs, passEnv, limits, cache } = config
  const pools = Object.entries(config.pools).map(([name, pool]) => {
    const { longestBuild, ...pod } = config.pods[name] ?? {}
    return [name, { ...pool, ...pod, ...(longestBuild && { longestBuild: duration(longestBuild) }) }] as const
  })
  const file = {
    pools: Object.fromEntries(pools),
    jobTimeout: duration(config.jobTimeoutMs),
    agent: { maxJobs, idle: duration(agentIdleMs), passEnv },
    cache: { maxAge: duration(cache.maxAge), maxSize: cache.maxSize, ...(cache.minFree && { minFree: cache.minFree }) },
    log: { ...(limits.logJob && { perJob: limits.logJob }), ...(limits.logAll && { total: limits.logAll }) },
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: cluster.config, namespace: cluster.namespace },
    data: { 'raibid.yaml': stringify(file) },
  }
}
