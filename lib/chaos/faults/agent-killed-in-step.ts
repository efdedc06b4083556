import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { agentIn, runsAgain } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the kill to the next attempt of its job',
  async inject(ctx) {
    const victim = await agentIn(ctx, 'step')
    if (!victim) return null
    const recovered = runsAgain(ctx, victim.change)
    ctx.note(`SIGKILL to ${victim.change.actor} in its step`, victim.change.job)
    return kill(victim.pid, 'SIGKILL') ? { since: performance.now(), recovered } : null
  },
}
