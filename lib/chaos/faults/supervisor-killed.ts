import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { until, workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the kill of the supervisor, over its restart, to the next claim or result after it',
  async inject(ctx) {
    const supervisor = ctx.pool.pid()
    if (supervisor === null) return null
    const twins = ctx.dice.pick([true, false])
    ctx.note(`SIGKILL to the supervisor${twins ? '; two new ones start at the same time' : ''}`)
    const since = performance.now()
    if (!kill(supervisor, 'SIGKILL')) return null
    if (twins) void ctx.pool.start()
    const up = await until(() => (ctx.pool.pid() ?? supervisor) !== supervisor || null, ctx.signal, 30_000)
    return { since, recovered: up ? workGoesOn(ctx) : Promise.resolve(null) }
  },
}
