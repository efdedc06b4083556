import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'

export type Health = () => Promise<{ ok: boolean; redis: string }>

/** Whether this instance can do its work: its Redis answers, and takes writes. */
export function readiness(redis: Redis): Health {
  return async () => {
    const late = new Promise<string>((resolve) => setTimeout(resolve, 1000, 'no answer within 1 s').unref())
    const asked = redis.set(keys.ready, '1', 'PX', 10_000).then(
      () => 'ok',
      (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, 200),
    )
    const answer = redis.status === 'ready' ? await Promise.race([asked, late]) : 'not connected'
    return { ok: answer === 'ok', redis: answer }
  }
}
