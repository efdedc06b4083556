import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

/** Mirrors that a forge has yet to fetch anew, by the time of the last push that asks for it. */
export function mirrorSyncs(redis: Redis) {
  return {
    /** The newest push counts: whoever is at an earlier one does not take this off. */
    async ask(mirror: string): Promise<void> {
      await redis.zadd(keys.mirrorSyncs, Date.now(), mirror)
    },
    async all(): Promise<{ mirror: string; at: number }[]> {
      const flat = await redis.zrange(keys.mirrorSyncs, '0', '99', 'WITHSCORES')
      return flat.flatMap((mirror, i) => (i % 2 === 0 ? { mirror, at: Number(flat[i + 1]) } : []))
    },
    /** It was fetched for what was asked at `at`; a push since then asks again. */
    async done(mirror: string, at: number): Promise<void> {
      const script = "if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('ZREM', KEYS[1], ARGV[1]) end"
      await redis.eval(script, 1, keys.mirrorSyncs, mirror, String(at))
    },
  }
}
