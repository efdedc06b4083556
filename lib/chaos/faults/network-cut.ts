import type { Fault } from '../fault.ts'
import { workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the cut of every connection to the next claim or result',
  inject(ctx) {
    const recovered = workGoesOn(ctx)
    ctx.note(`${ctx.proxy.connections()} connections cut`)
    ctx.proxy.cut()
    return Promise.resolve({ since: performance.now(), recovered })
  },
}
