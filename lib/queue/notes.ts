import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

/** Why a pool does not do what it should, for people. No decision reads it. */
export interface PoolNote {
  pool: string
  text: string
  at: number
}

/** Says why a pool does not do what it should; null: nothing is wrong any more. `at`: since when, ms. */
export async function notePoolTrouble(redis: Redis, pool: string, text: string | null, at = Date.now()): Promise<void> {
  if (text === null) await redis.hdel(keys.poolNotes, pool)
  else await redis.hset(keys.poolNotes, pool, JSON.stringify({ text, at }))
}

/** What is wrong with which pool. */
export async function poolNotes(redis: Redis): Promise<PoolNote[]> {
  const all = await redis.hgetall(keys.poolNotes)
  return Object.entries(all).flatMap(([pool, text]) => {
    try {
      return { pool, ...(JSON.parse(text) as { text: string; at: number }) }
    } catch {
      return []
    }
  })
}
