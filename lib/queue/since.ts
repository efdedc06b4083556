import type { Redis } from 'ioredis'
import { isUlid, ulidTime } from '#lib/ulid.ts'
import { keys } from './keys.ts'

/**
 * Since when this queue is, ms: what an id tells of an earlier time was never known here, and one that isn't known was not forgotten. Noted at first
 * sight, so that a queue whose data was lost is a new one. One that was there before anybody noted it is as old as its oldest job.
 */
export async function queueSince(redis: Redis): Promise<number> {
  const noted = await redis.get(keys.since)
  if (noted) return Number(noted)
  const [[seconds], [oldest]] = await Promise.all([redis.time(), redis.zrange(keys.jobs, '0', '0')])
  const since = Math.min(Number(seconds) * 1000, oldest && isUlid(oldest) ? ulidTime(oldest) : Infinity)
  return Number((await redis.set(keys.since, since, 'NX', 'GET')) ?? since)
}
