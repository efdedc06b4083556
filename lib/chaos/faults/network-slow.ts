import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the end of the delay (each way, on every connection) to the next claim or result',
  async inject(ctx) {
    const ms = ctx.dice.whole(30, 400)
    ctx.note(`every piece ${ms} ms late`)
    ctx.proxy.delay(ms)
    await sleep(ctx.dice.whole(1000, 3000))
    const recovered = workGoesOn(ctx)
    ctx.proxy.delay(0)
    return { since: performance.now(), recovered }
  },
}
