import { stringify } from 'yaml'
import type { Config } from '#lib/config.ts'
import type { RepositoryPolicy } from '#lib/config-repositories.ts'
import { cluster } from '#lib/contract.ts'
import type { KubeObject } from './object.ts'

const duration = (ms: number): string => (ms % 1000 ? `${ms}ms` : `${ms / 1000}s`)

/**
 * raibid.yaml as agents and `serve` read it in the cluster: what was decided here. Without the address of Redis and the files with tokens, which are
 * Secrets there, and without folders of this machine.
 */
export function configMap(config: Config): KubeObject {
  const { agentMaxJobs: maxJobs, agentIdleMs, passEnv, limits, cache, registry } = config
  const pools = Object.entries(config.pools).map(([name, pool]) => {
    const { longestBuild, ...pod } = config.pods[name] ?? {}
    return [name, { ...pool, ...pod, ...(longestBuild && { longestBuild: duration(longestBuild) }) }] as const
  })
  const file = {
    pools: Object.fromEntries(pools),
    jobTimeout: duration(config.jobTimeoutMs),
    agent: { maxJobs, idle: duration(agentIdleMs), passEnv },
    cache: { maxAge: duration(cache.maxAge), maxSize: cache.maxSize, ...(cache.minFree && { minFree: cache.minFree }) },
    ...(config.artifacts.includes('://') && { artifacts: config.artifacts }),
    ...(registry && { registry: `${registry.insecure ? 'http://' : ''}${registry.host}` }),
    // what may be built, and by whom it may be looked at, is as narrow there as it is here
    repositories: config.repositories.map(policyFile),
    ...(config.serve.public !== null && { serve: { public: config.serve.public } }),
    // how this machine reaches the cluster's own Gitea is nothing to the cluster
    forges: config.forges.filter(({ noted }) => !noted).map(({ kind, url, aliases }) => ({ kind, url, aliases })),
    ...(config.publicUrl && { publicUrl: config.publicUrl }),
    log: { ...(limits.logJob && { perJob: limits.logJob }), ...(limits.logAll && { total: limits.logAll }) },
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: cluster.config, namespace: cluster.namespace },
    data: { 'raibid.yaml': stringify(file, { aliasDuplicateObjects: false }) },
  }
}

/** One entry as the file has it: what is null isn't in it. */
function policyFile({ pollMs, ...policy }: RepositoryPolicy): object {
  const said = Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== null))
  return { ...said, ...(pollMs !== null && { poll: duration(pollMs) }) }
}
