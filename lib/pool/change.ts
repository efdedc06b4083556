import { chosenCluster, type ClusterArgs } from '#lib/cluster/chosen.ts'
import type { PoolChange, PoolState } from '#lib/cluster/scaled-job-change.ts'
import { loadConfig } from '#lib/config.ts'
import { UsageError } from '#lib/errors.ts'
import { localLimits } from './local-limits.ts'
import { changeSettings } from './settings.ts'
import { runningPool } from './state.ts'

export interface Changed extends PoolState {
  /** Where: the URL of an API server, or `local`. */
  where: string
  /** False: it was so already. */
  changed: boolean
  /** Somebody acts on it now; false: at the next `up`. */
  running: boolean
  /** The commit to the config repository, where Flux keeps the pool; null: nothing had to be committed. */
  commit?: string | null
}

/**
 * Scales, pauses or resumes a pool: in the cluster when the flags ask for one or we run in one, else here. UsageError names the pools that there
 * are; UnreachableError (exit 3) when the API server does not answer.
 */
export async function changePool(args: ClusterArgs & { pool: string }, change: PoolChange): Promise<Changed> {
  const config = await loadConfig()
  // what bootstrap made from here, unless a local pool is at work
  const choice = chosenCluster(args) ?? config.cluster?.kube
  if (choice) {
    const [{ openKube }, { changePool: inCluster }, { keepInRepository }] = await Promise.all([
      import('#lib/cluster/kube.ts'),
      import('#lib/cluster/scaled-job-change.ts'),
      import('#lib/cluster/gitops/pool-commit.ts'),
    ])
    const kube = await openKube(choice)
    try {
      const { state, changed } = await inCluster(kube, args.pool, change, args.namespace)
      const commit = await keepInRepository(kube, args.pool, change, args.namespace)
      return { ...state, where: kube.server, changed: changed || commit !== null, running: true, commit }
    } finally {
      kube.close()
    }
  }
  const { home, pools } = config
  const pool = pools[args.pool]
  if (!pool) throw new UsageError(`there is no pool "${args.pool}"; known: ${Object.keys(pools).join(', ')}`)
  if (change.do === 'scale' && change.max < pool.warm)
    throw new UsageError(`max ${change.max} is less than the ${pool.warm} warm agents of the pool; change raibid.yaml first`)
  const settings = change.do === 'scale' ? { max: change.max } : { paused: change.do === 'pause' ? change.because : undefined }
  const changed = changeSettings(home, args.pool, settings)
  const running = runningPool(home)
  return {
    pool: args.pool,
    ...localLimits({ ...config, redisGiven: false, cluster: null }, args.pool)!,
    where: 'local',
    changed,
    running: Boolean(running && !running.stopping),
  }
}

/** One sentence about what is so now. */
export function described({ pool, max, paused, where, changed, running, commit }: Changed): string {
  const at = where === 'local' ? '' : ` on ${where}`
  const so = paused === null ? `up to ${max} agent${max === 1 ? '' : 's'}` : `${paused}; agents at work finish, none is started`
  return `pool ${pool}${at}${changed ? '' : ' already'}: ${so}${running ? '' : ' (from the next `just up` on)'}${commit ? ` (committed as ${commit.slice(0, 7)})` : ''}`
}
