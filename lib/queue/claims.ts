import type { Redis } from 'ioredis'
import { keys } from './keys.ts'
import { pairs } from './parse.ts'

/** Whether an agent has taken a job, as far as the last changes of state tell (two thousand: an agent that just ended is among them). */
export async function hasClaimed(redis: Redis, agent: string): Promise<boolean> {
  const events = await redis.xrevrange(keys.events, '+', '-', 'COUNT', 2000)
  return events.some(([, fields]) => {
    const { state, actor } = pairs(fields)
    return state === 'running' && actor === agent
  })
}
