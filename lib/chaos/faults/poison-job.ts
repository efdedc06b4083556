import type { Fault } from '../fault.ts'
import { isOver } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the enqueue of a job that kills its agent each time to its end as dead',
  async inject(ctx) {
    let recovered: Promise<unknown> = Promise.resolve(null)
    const since = performance.now()
    const id = await ctx.enqueuer.enqueue(ctx.planned.job!, 1, (one) => void (recovered = isOver(ctx, one)))
    ctx.note('a poison job', id)
    return { since, recovered }
  },
}
