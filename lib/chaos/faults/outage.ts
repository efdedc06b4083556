import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the end of an outage longer than the lease to the next claim or result',
  async inject(ctx) {
    const how = ctx.dice.pick(['refuse', 'silent'] as const)
    ctx.note(how === 'refuse' ? 'nobody reaches Redis' : 'nothing arrives any more, and nobody is told')
    ctx.proxy.set(how)
    await sleep(ctx.limits.lease + ctx.dice.whole(300, 2000))
    const recovered = workGoesOn(ctx)
    ctx.proxy.set('pass')
    ctx.note('the outage is over')
    return { since: performance.now(), recovered }
  },
}
