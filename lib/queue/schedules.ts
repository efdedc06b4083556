import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

/** Up to when each schedule has been dealt with, ms since 1970, so that what fell due while nobody looked is run, once. */
export function schedules(redis: Redis) {
  const field = (name: string): string => hash('sha256', name).slice(0, 32)
  return {
    /** At first sight of a schedule nothing is due: `now` is noted. */
    async since(name: string, now: number): Promise<number> {
      await redis.hsetnx(keys.schedules, field(name), String(now))
      return Number(await redis.hget(keys.schedules, field(name)))
    },
    async done(name: string, at: number): Promise<void> {
      await redis.hset(keys.schedules, field(name), String(at))
    },
  }
}
