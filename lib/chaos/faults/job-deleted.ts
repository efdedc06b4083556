import { setTimeout as sleep } from 'node:timers/promises'
import { keys } from '#lib/queue/keys.ts'
import { patience, type Fault } from '../fault.ts'
import { until } from '../victims.ts'

export const fault: Fault = {
  measured: 'from the DEL of a job’s record to the moment in which line and stream have forgotten it',
  async inject(ctx) {
    const id = await ctx.enqueuer.enqueue(ctx.planned.job!)
    await sleep(ctx.dice.whole(0, 1500))
    const state = await ctx.redis.hget(keys.job(id), 'state')
    if (state !== 'pending' && state !== 'running') return null
    ctx.deleted.add(id)
    ctx.note('its record is deleted', id)
    await ctx.redis.del(keys.job(id))
    const since = performance.now()
    const recovered = until(
      async () => {
        const [score, entries] = await Promise.all([
          ctx.redis.zscore(keys.due('default'), id),
          ctx.redis.xrange(keys.stream('default'), '-', '+'),
        ]).catch(() => ['away', []] as const)
        return (score === null && !entries.some(([, fields]) => fields.includes(id))) || null
      },
      ctx.signal,
      patience.recovery,
    )
    return { since, recovered }
  },
}
