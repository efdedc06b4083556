import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { callOf, workGoesOn } from '../victims.ts'

const scripts = ['claim', 'finish', 'log', 'beat', 'enqueue', 'release', 'tend'] as const

export const fault: Fault = {
  measured: 'from the last lost reply to the next claim or result',
  async inject(ctx) {
    const script = ctx.dice.pick(scripts)
    const call = callOf(script, ctx.limits)
    let left = ctx.dice.whole(1, 3)
    const wanted = left
    const unwatch = ctx.proxy.watch((piece) => (left > 0 && call(piece) >= 0 && left-- > 0 ? 'lose-reply' : 'forward'))
    for (const end = Date.now() + 4000; left > 0 && Date.now() < end && !ctx.signal.aborted;) await sleep(10)
    unwatch()
    if (left === wanted) return null
    ctx.note(`${wanted - left} times the reply to ${script} was lost with its connection`)
    return { since: performance.now(), recovered: workGoesOn(ctx) }
  },
}
