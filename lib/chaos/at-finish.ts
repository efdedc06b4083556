import { setTimeout as sleep } from 'node:timers/promises'
import { patience, type FaultContext } from './fault.ts'
import type { Verdict } from './proxy.ts'
import { callOf, jobIn } from './victims.ts'

/**
 * Waits for the next result on its way to Redis for which `decide` gives a verdict, and holds it until then. False when none came in time.
 */
export async function atFinish(ctx: FaultContext, decide: (job: string) => Promise<Verdict | null>): Promise<boolean> {
  const call = callOf('finish', ctx.limits)
  let hit = false
  const unwatch = ctx.proxy.watch(async (piece) => {
    const job = hit ? null : jobIn(piece, call)
    const verdict = job === null ? null : await decide(job)
    if (verdict) hit = true
    return verdict ?? 'forward'
  })
  for (const end = Date.now() + patience.victim; !hit && Date.now() < end && !ctx.signal.aborted;) await sleep(10)
  unwatch()
  return hit
}
