import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { ulid } from '#lib/ulid.ts'
import { keys } from './keys.ts'

const week = 7 * 86_400

/** Which job a delivery of a forge became, so that each becomes one, however often it is sent and whoever is killed when. */
export function deliveries(redis: Redis) {
  const keyOf = (source: string, id: string): string => keys.delivery(hash('sha256', JSON.stringify([source, id])).slice(0, 32))

  return {
    /** The id that the delivery's job has, or is to get; `again`: the delivery was seen before. */
    async idFor(source: string, id: string): Promise<{ job: string; again: boolean }> {
      const fresh = ulid()
      const before = await redis.set(keyOf(source, id), fresh, 'EX', week, 'NX', 'GET')
      return { job: before ?? fresh, again: before !== null }
    },

    /** Another job answers for it. */
    async becomes(source: string, id: string, job: string): Promise<void> {
      await redis.set(keyOf(source, id), job, 'EX', week)
    },
  }
}
