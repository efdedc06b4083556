import { availableParallelism } from 'node:os'
import type { environment } from './config-env.ts'
import type { PodFile } from './config-pool-schema.ts'
import type { ConfigFile } from './config-schema.ts'
import { env as names } from './contract.ts'
import type { Limits } from './queue/limits.ts'

export type PoolsConfig = Record<string, { max: number; warm: number }>
type PoolFile = PodFile & { max?: number; warm?: number }

/** Every pool's numbers: `default` besides those of the file; flags are for that one. */
export function pools(
  file: ConfigFile,
  flags: { max?: number | undefined; warm?: number | undefined },
  problems: string[],
): PoolsConfig {
  const cores = Math.max(1, availableParallelism())
  const declared = Object.entries({ default: {}, ...file.pools }) as [string, PoolFile][]
  const decided = declared.map(([name, { max, warm = 0 }]) => {
    const own = name === 'default' ? flags : {}
    const pool = { max: own.max ?? max ?? Math.max(cores, warm), warm: own.warm ?? warm }
    if (pool.max < 1) problems.push(`--max: ${pool.max} is less than 1`)
    // The file's own contradictions are reported with their line; only a flag can bring in another.
    if (pool.warm > pool.max) problems.push(`pool ${name}: warm (${pool.warm}) is more than max (${pool.max})`)
    return [name, pool] as const
  })
  return Object.fromEntries(decided)
}

/** What the file says of the pools' pods. */
export function pods(file: ConfigFile): Record<string, PodFile> {
  const declared = Object.entries({ default: {}, ...file.pools }) as [string, PoolFile][]
  return Object.fromEntries(declared.map(([name, { max: _max, warm: _warm, ...pod }]) => [name, pod]))
}

/** What of the queue's numbers is not the default. */
export function limits(file: ConfigFile, read: ReturnType<typeof environment>): Partial<Limits> {
  const own = {
    lease: read.whole(names.lease, 100),
    backoff: read.whole(names.backoff, 0),
    logJob: file.log?.perJob,
    logAll: file.log?.total,
  }
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
}
