import type { Redis } from 'ioredis'
import { loadConfig, type Config } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { connectTask } from '#lib/queue/connect.ts'
import type { Limits } from '#lib/queue/limits.ts'
import { reader as readerOf, type Reader } from '#lib/queue/reader.ts'

export interface Open {
  config: Config
  redis: Redis
  reader: Reader
  /** Names of the pools of this installation. */
  pools: string[]
  limits: Partial<Limits>
  /** A further connection, which may block. */
  another: () => Promise<Redis>
}

/** The queue as a task sees it. UnreachableError within two seconds when it is not there. */
export async function openQueue(given?: Config): Promise<Open> {
  const config = given ?? (await loadConfig())
  const { redisUrl } = config
  if (!redisUrl) {
    if (config.cluster)
      throw new UnreachableError(
        'the queue of the cluster can’t be reached from this machine: run `just connect`, and leave it open beside this',
      )
    throw new UnreachableError(
      `there is no queue: no pool has run in ${config.home} yet; start one with \`just up\`, or set ${env.redisUrl}`,
    )
  }
  const redis = await connectTask(redisUrl)
  return {
    config,
    redis,
    reader: readerOf(redis),
    pools: Object.keys(config.pools),
    limits: config.limits,
    another: () => connectTask(redisUrl),
  }
}

/** The one id a name stands for. RaibidError when there is none, with the nearest, or more than one, with all of them. */
export async function nameToId(reader: Reader, name: string): Promise<string> {
  const [id, ...more] = await reader.resolve(name)
  if (id && !more.length) return id
  const shown = JSON.stringify(name.slice(0, 40))
  if (id) throw new RaibidError(`${shown} could be any of ${[id, ...more].join(', ')}; give more of its tail`)
  if (name === '@latest') throw new RaibidError('there is no job yet')
  if (name === '@failed') throw new RaibidError('no job has failed')
  const near = await reader.nearest(name)
  const hint = near.length ? `; nearest: ${near.join(', ')}` : '; there are no jobs'
  throw new RaibidError(`there is no job ${shown}${hint}`)
}
