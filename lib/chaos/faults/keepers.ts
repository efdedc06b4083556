import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, FaultContext } from '../fault.ts'
import { workGoesOn } from '../victims.ts'

/** One more keeper, as a process of its own. */
export const startKeeper = (ctx: FaultContext): { end: () => void } =>
  ctx.start(process.execPath, [new URL('../extra-keeper.ts', import.meta.url).pathname])

export const fault: Fault = {
  measured: 'from the kill of three further keepers at work to the next claim or result of anybody',
  async inject(ctx) {
    const keepers = [startKeeper(ctx), startKeeper(ctx), startKeeper(ctx)]
    ctx.note('three more keepers')
    await sleep(ctx.dice.whole(800, 2500))
    const recovered = workGoesOn(ctx)
    for (const keeper of keepers) keeper.end()
    return { since: performance.now(), recovered }
  },
}
