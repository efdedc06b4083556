import { setTimeout as sleep } from 'node:timers/promises'
import { patience, type Fault } from '../fault.ts'
import { isOver } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the cancel of a running job to its end',
  async inject(ctx) {
    let id = ''
    const runs = ctx.record.next(({ job, state }) => job === id && state === 'running', patience.recovery)
    await ctx.enqueuer.enqueue(ctx.planned.job!, 1, (one) => (id = one))
    if (!(await runs)) return null
    await sleep(ctx.dice.whole(0, 2000))
    const over = ctx.record.changes.some(({ job, state }) => job === id && state === 'success')
    const recovered = over ? Promise.resolve(true) : isOver(ctx, id)
    ctx.note('cancelled while running', id)
    const since = performance.now()
    await ctx.enqueuer.cancel(id)
    return { since, recovered }
  },
}
