import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { newAgent, workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the kill to the next claim or result of anybody',
  async inject(ctx) {
    const victim = await newAgent(ctx)
    if (!victim) return null
    const { name, pid, held } = victim
    const recovered = workGoesOn(ctx)
    ctx.note(`SIGKILL to ${name}, which had ${held ? 'just claimed' : 'claimed nothing'}`, held?.job)
    return kill(pid, 'SIGKILL') ? { since: performance.now(), recovered } : null
  },
}
