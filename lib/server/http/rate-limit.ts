import { Refused } from './problem.ts'

export interface RateLimitOptions {
  /** Requests that may come at once, and how many a second come back. */
  burst: number
  perSecond: number
  now?: () => number
}

/** Bounds on memory: as many callers are told apart. */
const mostCallers = 10_000

export type RateLimit = (caller: string) => void

/** A token bucket for each caller, in this process. Refused (429, with retry-after) for a caller whose bucket is empty. */
export function rateLimit({ burst, perSecond, now = Date.now }: RateLimitOptions): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>()
  return (caller) => {
    const at = now()
    const known = buckets.get(caller)
    const left = known ? Math.min(burst, known.left + ((at - known.at) / 1000) * perSecond) : burst
    // the most recently seen last: the first is the one to forget
    buckets.delete(caller)
    if (buckets.size >= mostCallers) buckets.delete(buckets.keys().next().value!)
    buckets.set(caller, { left: Math.max(0, left - 1), at })
    if (left < 1) {
      const wait = Math.ceil((1 - left) / perSecond)
      throw new Refused(429, `too many requests: ${perSecond} a second`, { 'retry-after': String(Math.max(1, wait)) })
    }
  }
}
