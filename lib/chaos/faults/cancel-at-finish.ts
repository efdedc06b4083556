import type { Fault, Injection } from '../fault.ts'
import { isOver } from '../victims.ts'
import { atFinish } from '../at-finish.ts'

export const fault: Fault = {
  measured: 'from a cancel that meets the result on its way to the end of the job',
  async inject(ctx) {
    let injection: Injection | null = null
    const first = ctx.dice.pick([true, false])
    const own = await ctx.enqueuer.enqueue(ctx.planned.job!)
    await atFinish(ctx, async (job) => {
      if (job !== own) return null
      injection = { since: performance.now(), recovered: isOver(ctx, job) }
      ctx.note(`cancelled ${first ? 'just before' : 'while'} its result came`, job)
      const cancelled = ctx.enqueuer.cancel(job)
      if (first) await cancelled
      else cancelled.catch(() => {})
      return 'forward'
    })
    return injection
  },
}
