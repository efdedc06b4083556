import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the moment in which there is memory again to the next claim or result',
  async inject(ctx) {
    ctx.note('Redis is full')
    await ctx.redis.config('SET', 'maxmemory', '100kb')
    await sleep(ctx.dice.whole(300, 2500))
    const recovered = workGoesOn(ctx)
    await ctx.redis.config('SET', 'maxmemory', '2gb')
    ctx.note('Redis has memory again')
    return { since: performance.now(), recovered }
  },
}
