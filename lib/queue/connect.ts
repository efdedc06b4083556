import type { Redis, RedisOptions } from 'ioredis'
import { messageOf, UnreachableError } from '#lib/errors.ts'

/** A URL as it may be shown: without its password. */
export const shownUrl = (url: string): string => url.replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, '$1')

export const unreachable = (url: string, why: string): UnreachableError =>
  new UnreachableError(
    `cannot reach Redis at ${shownUrl(url)}: ${why}; start the local pool with \`just up\`, or set RAIBID_REDIS_URL`,
  )

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no such host',
  ETIMEDOUT: 'no answer',
}

/** What is wrong, in words, from what a connection throws. */
function why(error: unknown): string {
  const { code } = error as { code?: string }
  const message = messageOf(error)
  if (/WRONGPASS|NOAUTH/.test(message)) return 'it refuses the password'
  return (code && reasons[code]) ?? message
}

/**
 * A connection for a task: it is there within `withinMs`, or UnreachableError names the URL and what to do. A connection that breaks
 * later is waited for: ten seconds.
 */
export async function connectTask(url: string, withinMs = 1500, options: RedisOptions = {}): Promise<Redis> {
  verifyUrl(url)
  // imported here, when the compile cache of a task is on
  const { Redis } = await import('ioredis')
  let there = false
  const redis = new Redis(url, {
    lazyConnect: true,
    // the first connection at once or not at all; one that breaks later (a Redis that restarts) is waited for
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (there && times <= 40 ? 250 : null),
    connectTimeout: withinMs,
    ...options,
  })
  let last: unknown
  redis.on('error', (error) => (last = error))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs)
  })
  try {
    await Promise.race([redis.connect(), late])
    there = true
    return redis
  } catch (error) {
    redis.disconnect()
    throw unreachable(url, why(last ?? error))
  } finally {
    clearTimeout(timer)
  }
}

/** UnreachableError unless it is a URL of Redis. */
export function verifyUrl(url: string): void {
  try {
    const { protocol } = new URL(url)
    if (protocol !== 'redis:' && protocol !== 'rediss:') throw new Error(`"${protocol}" is not redis: or rediss:`)
  } catch (error) {
    throw unreachable(url, `not a Redis URL (${messageOf(error)})`)
  }
}
