import type { Redis } from 'ioredis'
import type { Limits } from './limits.ts'
import { scriptsOn } from './scripts.ts'
import type { JobState } from './types.ts'

/** What keeps the queue true. Any number of keepers may run at once; each round is a few scripts, and none depends on the last. */
export function keeper(redis: Redis, pools: () => readonly string[], limits?: Partial<Limits>) {
  const run = scriptsOn(redis, limits)
  return {
    /** Promotes what is due and ends leases. Gives the ms until the next time that matters (null: none known). */
    async tend(): Promise<number | null> {
      let next: number | null = null
      for (const pool of pools()) {
        const [, , ms] = (await run('tend', pool)) as [number, number, number]
        if (ms >= 0) next = Math.min(next ?? ms, ms)
      }
      return next
    },

    /** Sweeps agents that went silent, and forgets what is past its time. */
    async clean(): Promise<{ agents: number; jobs: number; logs: number }> {
      const agents = (await run('sweep')) as number
      let [jobs, logs, more] = (await run('expire')) as [number, number, number]
      while (more === 1) {
        const [moreJobs, moreLogs, again] = (await run('expire')) as [number, number, number]
        jobs += moreJobs
        logs += moreLogs
        more = moreJobs + moreLogs > 0 ? again : 0
      }
      return { agents, jobs, logs }
    },

    /** Holds the line against the stream, both ways, page by page. Gives how many repairs it made: 0 in a sound queue. */
    async audit(): Promise<number> {
      let repairs = 0
      for (const pool of pools()) {
        let [rank, entry] = [0, '-']
        while (rank >= 0 || entry !== '') {
          const page = (await run('audit', pool, rank, entry)) as [number, number, string]
          repairs += page[0]
          ;[, rank, entry] = page
        }
      }
      return repairs
    },

    /** An agent was seen to die: its job goes back to its old place now. Gives the job's new state, or `none`. */
    release: async (agent: string, reason: string, actor: string, kind: 'lost' | 'drained' = 'lost') =>
      (await run('release', agent, '', kind, reason, actor)) as JobState | 'none',
  }
}

export type Keeper = ReturnType<typeof keeper>

/**
 * Runs a keeper until the signal: leases and delays each second (sooner when something is due), the rest every 30 s. While Redis is away it
 * waits: the connection sends again what was not answered.
 */
export async function keepOn(keep: Keeper, signal: AbortSignal, onError: (error: unknown) => void = () => {}): Promise<void> {
  let cleaned = 0
  while (!signal.aborted) {
    let next: number | null = null
    try {
      next = await keep.tend()
      if (Date.now() - cleaned > 30_000) {
        cleaned = Date.now()
        await keep.clean()
        await keep.audit()
      }
    } catch (error) {
      if (signal.aborted) return
      onError(error)
    }
    await pause(Math.min(1000, Math.max(20, next ?? 1000)), signal)
  }
}

/** Waits, at the most until the signal. Leaves nothing on the signal behind. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
