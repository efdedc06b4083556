import type { Fault, Injection } from './fault.ts'
import { kill } from './pool-process.ts'
import { runsAgain } from './victims.ts'
import { atFinish } from './at-finish.ts'

/** Kills an agent whose last step has ended: before its result has reached Redis (`drop`), or after, so that the reply finds nobody. */
export const killedAtFinish = (when: 'drop' | 'lose-reply'): Fault => ({
  measured: when === 'drop' ? 'from the kill to the next attempt of its job' : 'from the kill to the end of its job',
  async inject(ctx) {
    let injection: Injection | null = null
    await atFinish(ctx, (job) => {
      const change = ctx.record.runningNow().find((one) => one.job === job)
      const pid = change && change.attempt < 3 ? ctx.pool.agent(change.actor) : null
      if (!change || pid === null) return Promise.resolve(null)
      ctx.note(`SIGKILL to ${change.actor} ${when === 'drop' ? 'before' : 'while'} its result reached Redis`, job)
      injection = { since: performance.now(), recovered: runsAgain(ctx, change) }
      // the result goes on first: a connection whose client is gone is closed
      if (when === 'drop') kill(pid, 'SIGKILL')
      else setImmediate(() => kill(pid, 'SIGKILL'))
      return Promise.resolve(when)
    })
    return injection
  },
})
