import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { redactUrl } from './config.ts'
import { env, files } from './contract.ts'
import { atLeast, bad, good, type Finding } from './doctor-finding.ts'
import { messageOf } from './errors.ts'

/** Is a local pool running? */
export function pool(home: string): Finding {
  const file = join(home, files.poolPid)
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  return pid && existsSync(`/proc/${pid}`)
    ? good('pool', `running (process ${pid})`)
    : bad('pool', 'not running here', 'just up', 'warn')
}

/** Does the Redis that the tasks would use answer? */
export async function redis(url: string | null): Promise<Finding> {
  if (!url) return bad('Redis', 'none is known', `just up, or set ${env.redisUrl}`, 'warn')
  const { Redis } = await import('ioredis')
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1000,
    commandTimeout: 1000,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  })
  let reason: unknown
  client.on('error', (error) => (reason = error))
  try {
    await client.connect()
    const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? ''
    if (atLeast(version, [7, 0])) return good('Redis', `${version} at ${redactUrl(url)}`)
    return bad('Redis', `${version} at ${redactUrl(url)}, but 7.0 or newer is needed`, 'install Redis 7.0 or newer')
  } catch (error) {
    return bad(
      'Redis',
      `can't be reached at ${redactUrl(url)}: ${messageOf(reason ?? error)}`,
      `just up, or correct ${env.redisUrl}`,
    )
  } finally {
    client.disconnect()
  }
}
