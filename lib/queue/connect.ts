import { Redis, type RedisOptions } from 'ioredis'
import { messageOf, UnreachableError } from '#lib/errors.ts'

/** A URL as it may be shown: without its password. */
export const shownUrl = (url: string): string => url.replace(/\/\/([^@/]*)@/, '//')

const unreachable = (url: string, why: string): UnreachableError =>
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
 * A connection for a task: it is there within `withinMs`, or UnreachableError names the URL and what to do. Commands fail rather than wait.
 */
export async function connectTask(url: string, withinMs = 1500, options: RedisOptions = {}): Promise<Redis> {
  const redis = make(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
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
    return redis
  } catch (error) {
    redis.disconnect()
    throw unreachable(url, why(last ?? error))
  } finally {
    clearTimeout(timer)
  }
}

/**
 * A connection for what must outlive an outage (agent, keeper, supervisor, serve): it waits, reconnects quickly, and sends again what was
 * not answered. That is safe because every script is idempotent. A peer that is silent for `silentMs` while an answer is due is dropped.
 */
export function connectLasting(url: string, options: RedisOptions & { silentMs?: number } = {}): Redis {
  const { silentMs = 5000, ...rest } = options
  const redis = make(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(25 * times, 500),
    reconnectOnError: (error) => (/^(LOADING|READONLY)/.test(error.message) ? 2 : false),
    connectTimeout: 2000,
    socketTimeout: silentMs,
    ...rest,
  })
  redis.on('error', () => {})
  return redis
}

function make(url: string, options: RedisOptions): Redis {
  try {
    const { protocol } = new URL(url)
    if (protocol !== 'redis:' && protocol !== 'rediss:') throw new Error(`"${protocol}" is not redis: or rediss:`)
  } catch (error) {
    throw unreachable(url, `not a Redis URL (${messageOf(error)})`)
  }
  return new Redis(url, { enableAutoPipelining: false, ...options })
}
