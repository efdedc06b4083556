import type { Config } from '#lib/config.ts'
import { poolLimits, type PoolLimits } from './settings.ts'
import { runningPool } from './state.ts'

/**
 * What holds for a pool of this machine: as its supervisor was told (`up --max` outranks raibid.yaml), then as `just scale` and `just pause`
 * have said since. Null: it is not of this machine, or there is no such pool.
 */
export function localLimits(
  { home, pools, redisGiven, cluster }: Pick<Config, 'home' | 'pools' | 'redisGiven' | 'cluster'>,
  name: string,
): PoolLimits | null {
  const own = redisGiven || cluster ? undefined : (runningPool(home)?.pools[name] ?? pools[name])
  return own ? poolLimits(home, name, own) : null
}
