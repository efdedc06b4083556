import { Redis, type RedisOptions } from 'ioredis'
import { verifyUrl } from './connect.ts'

/**
 * A connection for what must outlive an outage (agent, keeper, supervisor, serve): it waits, reconnects quickly, and sends again what was
 * not answered. That is safe because every script is idempotent. A peer that is silent for `silentMs` while an answer is due is dropped.
 */
export function connectLasting(url: string, options: RedisOptions & { silentMs?: number } = {}): Redis {
  const { silentMs = 5000, ...rest } = options
  verifyUrl(url)
  const redis = new Redis(url, {
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
