import type { Fault } from '../fault.ts'

export const fault: Fault = {
  measured: 'from several enqueues at once with one key to the last answer',
  async inject(ctx) {
    const times = ctx.dice.whole(2, 8)
    const since = performance.now()
    const id = await ctx.enqueuer.enqueue(ctx.planned.job!, times)
    ctx.note(`enqueued ${times} times at once with one key`, id)
    return { since, recovered: Promise.resolve(true) }
  },
}
