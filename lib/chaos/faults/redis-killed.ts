import type { Fault } from '../fault.ts'
import { kill } from '../pool-process.ts'
import { workGoesOn } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the kill of redis-server to the next claim or result: it is started again from its append-only file',
  async inject(ctx) {
    const recovered = workGoesOn(ctx)
    ctx.note('SIGKILL to redis-server')
    const since = performance.now()
    if (!kill(ctx.redisChild.pid(), 'SIGKILL')) return null
    await recovered
    return { since, recovered }
  },
}
