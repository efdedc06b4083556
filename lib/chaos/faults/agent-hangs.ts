import { patience, type Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { agentIn, newAgent, runsAgain, until } from '../victims.ts'

export const fault: Fault = {
  measured:
    'from the SIGSTOP to the next attempt of its job (without a job: to its end): the supervisor has to notice, and to kill it',
  async inject(ctx) {
    const phase = ctx.dice.pick(['start', 'clone', 'step'] as const)
    if (phase === 'start') {
      const victim = await newAgent(ctx)
      if (!victim) return null
      ctx.note(`SIGSTOP to ${victim.name}, for ever`, victim.held?.job)
      if (!kill(victim.pid, 'SIGSTOP')) return null
      const gone = until(() => ctx.pool.agent(victim.name) === null || null, ctx.signal, patience.recovery)
      return { since: performance.now(), recovered: gone }
    }
    const victim = await agentIn(ctx, phase)
    if (!victim) return null
    const recovered = runsAgain(ctx, victim.change)
    ctx.note(`SIGSTOP to ${victim.change.actor} in its ${phase}, for ever`, victim.change.job)
    return kill(victim.pid, 'SIGSTOP') ? { since: performance.now(), recovered } : null
  },
}
