import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { agentIn, runsAgain } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the SIGSTOP to the next attempt of its job: the supervisor has to notice, and to kill it',
  async inject(ctx) {
    const victim = await agentIn(ctx, ctx.dice.pick(['clone', 'step'] as const))
    if (!victim) return null
    const recovered = runsAgain(ctx, victim.change)
    ctx.note(`SIGSTOP to ${victim.change.actor}, for ever`, victim.change.job)
    return kill(victim.pid, 'SIGSTOP') ? { since: performance.now(), recovered } : null
  },
}
