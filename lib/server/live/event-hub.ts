/** Every change of state, from one blocking reader to all who listen. */
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { pairs } from '#lib/queue/parse.ts'
import type { JobState } from '#lib/queue/types.ts'

export interface StateChange {
  id: string
  job: string
  state: JobState
  attempt: number
  actor: string
  reason: string
  at: number
}

type Listener = (change: StateChange) => void

function parse(id: string, flat: string[]): StateChange {
  const { id: job = '', state = '', attempt = '', actor = '', reason = '', at = '' } = pairs(flat)
  return { id, job, state: state as JobState, attempt: Number(attempt), actor, reason, at: Number(at) }
}

/** Listens on the events until the signal. `connect` gives a connection that may block. */
export function eventHub(connect: () => Redis, redis: Redis, signal: AbortSignal) {
  const listeners = new Set<Listener>()
  const running = run()

  async function run(): Promise<void> {
    const own = connect()
    const stop = (): void => own.disconnect()
    signal.addEventListener('abort', stop)
    try {
      let last = (await own.xrevrange(keys.events, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'
      while (!signal.aborted) {
        const reply = await own.xread('COUNT', 500, 'BLOCK', 2000, 'STREAMS', keys.events, last)
        for (const [id, flat] of (reply?.[0]?.[1] ?? []) as [string, string[]][]) {
          last = id
          const change = parse(id, flat)
          for (const listener of listeners) listener(change)
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    running,
    /** Calls back at each change; gives what ends it. */
    on(listener: Listener): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** What happened behind an entry that somebody had last, as far as it is kept: at most 1,000 changes. */
    async since(id: string): Promise<StateChange[]> {
      const entries = await redis.xrange(keys.events, `(${id}`, '+', 'COUNT', 1000)
      return entries.map(([entry, flat]) => parse(entry, flat))
    },
  }
}

export type EventHub = ReturnType<typeof eventHub>
