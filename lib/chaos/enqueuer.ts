import { setTimeout as sleep } from 'node:timers/promises'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { producer } from '#lib/queue/producer.ts'
import type { Limits } from '#lib/queue/limits.ts'
import { ulid } from '#lib/ulid.ts'
import type { Acknowledged } from './facts.ts'
import { specOf, type PlannedJob } from './jobs.ts'

export interface EnqueuerOptions {
  redisUrl: string
  limits: Partial<Limits>
  from: { repo: string; commit: string; effects: string }
  signal: AbortSignal
}

/** Puts jobs on the queue through the proxy, as a client does that must not lose one: the same id again and again until it is answered. */
export function createEnqueuer({ redisUrl, limits, from, signal }: EnqueuerOptions) {
  const acknowledged: Acknowledged[] = []
  const plans = new Map<string, PlannedJob>()
  const connections = Array.from({ length: 4 }, () => connectLasting(redisUrl))
  const jobs = connections.map((redis) => producer(redis, limits))

  /** Until it is answered: a full Redis refuses, and what is refused was not done. */
  async function insist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted()
      try {
        return await ask()
      } catch {
        await sleep(100)
      }
    }
  }

  return {
    acknowledged,
    plans,
    /** One job; gives its id. With `times`, so many clients at once with one idempotency key. `onId` hears the id before the queue does. */
    async enqueue(plan: PlannedJob, times = 1, onId?: (id: string) => void): Promise<string> {
      const calls = Array.from({ length: times }, async (_, n) => {
        const id = ulid()
        onId?.(id)
        plans.set(id, plan)
        const options = { id, ...(times > 1 && { key: plan.name }) }
        const answer = await insist(() => jobs[n % jobs.length]!.enqueue(specOf(plan, from), options))
        plans.set(answer.id, plan)
        return answer.id
      })
      const ids = await Promise.all(calls)
      acknowledged.push({ plan, ids })
      return ids[0]!
    },
    cancel: (id: string) => insist(() => jobs[0]!.cancel(id, 'cancelled by chaos')),
    close: () => connections.forEach((redis) => redis.disconnect()),
  }
}

export type Enqueuer = ReturnType<typeof createEnqueuer>
