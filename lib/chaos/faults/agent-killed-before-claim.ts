import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { until, workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the kill to the next claim or result of anybody',
  async inject(ctx) {
    const before = new Set(ctx.pool.agents())
    const name = await until(() => ctx.pool.agents().find((one) => !before.has(one)) ?? null, ctx.signal)
    if (!name) return null
    // anywhere in its start, up to the moment in which the claim is on its way
    await sleep(ctx.dice.whole(0, 250))
    const pid = ctx.pool.agent(name)
    if (pid === null) return null
    const recovered = workGoesOn(ctx)
    const held = ctx.record.runningNow().find((change) => change.actor === name)
    ctx.note(`SIGKILL to ${name}, which had ${held ? 'just claimed' : 'claimed nothing'}`, held?.job)
    return kill(pid, 'SIGKILL') ? { since: performance.now(), recovered } : null
  },
}
