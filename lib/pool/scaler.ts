/** What the scaler looks at, of one pool. */
export interface Load {
  /** XLEN of the pool's stream: jobs runnable or running. */
  entries: number
  /** Agents that live: starting, idle or at work. */
  agents: number
  max: number
  /** Agents kept while there is nothing to do. */
  warm: number
}

/**
 * How many agents to start now. KEDA's own arithmetic for a ScaledJob with strategy `default`, target 1 and `minReplicaCount` = warm
 * (kedacore/keda v2.20.2, pkg/scaling/executor/scale_jobs.go and pkg/scaling/scaledjob/metrics.go), so that what is tried locally holds in
 * a cluster: below the minimum only the minimum is filled; above it, the minimum counts neither as running nor towards the maximum.
 */
export function agentsToStart({ entries, agents, max, warm }: Load): number {
  const least = Math.min(warm, max)
  if (agents < least) return least - agents
  const wanted = Math.min(entries, max - least)
  return Math.max(0, Math.min(wanted, wanted - (agents - least)))
}
