import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { isOver } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the cancel of a job that was just enqueued to its end',
  async inject(ctx) {
    let recovered: Promise<unknown> = Promise.resolve(null)
    const enqueued = ctx.enqueuer.enqueue(ctx.planned.job!, 1, (id) => void (recovered = isOver(ctx, id)))
    const wait = ctx.dice.whole(0, 300)
    const id = await enqueued
    await sleep(wait)
    ctx.note('cancelled', id)
    const since = performance.now()
    await ctx.enqueuer.cancel(id)
    return { since, recovered }
  },
}
