import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { agentIn, runsAgain, until } from '../victims.ts'
import { startKeeper } from './keepers.ts'

export const fault: Fault = {
  measured: 'from the SIGSTOP to the next attempt of its job, the supervisor being stopped as well; then the zombie wakes up',
  async inject(ctx) {
    const victim = await agentIn(ctx, 'step')
    const supervisor = ctx.pool.pid()
    if (!victim || supervisor === null) return null
    const { change, pid } = victim
    // the supervisor would kill it before its lease ends; somebody else has to end the lease then
    kill(supervisor, 'SIGSTOP')
    const keeper = startKeeper(ctx)
    try {
      const taken = ctx.record.next(
        (one) => one.job === change.job && one.state !== 'running' && one.state !== 'cancelling',
        30_000,
      )
      const recovered = runsAgain(ctx, change)
      ctx.note(`SIGSTOP to ${change.actor} and to the supervisor`, change.job)
      if (!kill(pid, 'SIGSTOP')) return null
      const since = performance.now()
      await taken
      kill(supervisor, 'SIGCONT')
      await recovered
      ctx.note(`SIGCONT to ${change.actor}: the zombie wakes up`, change.job)
      kill(pid, 'SIGCONT')
      await until(() => ctx.pool.agent(change.actor) === null || null, ctx.signal)
      return { since, recovered: Promise.resolve(await recovered) }
    } finally {
      kill(supervisor, 'SIGCONT')
      kill(pid, 'SIGCONT')
      keeper.end()
    }
  },
}
