import type { Fault } from '../fault.ts'
import { workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the half-close of every connection to the next claim or result',
  inject(ctx) {
    const side = ctx.dice.pick(['client', 'server'] as const)
    const recovered = workGoesOn(ctx)
    ctx.note(`every connection half-closed towards the ${side}`)
    ctx.proxy.halfClose(side)
    return Promise.resolve({ since: performance.now(), recovered })
  },
}
