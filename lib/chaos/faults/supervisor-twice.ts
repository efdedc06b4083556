import type { Fault } from '../fault.ts'

export const fault: Fault = {
  measured: 'from the start of a second supervisor to its end: it must refuse',
  async inject(ctx) {
    if (ctx.pool.pid() === null) return null
    ctx.note('a second supervisor')
    const since = performance.now()
    const code = await ctx.pool.start()
    return { since, recovered: Promise.resolve(code !== null) }
  },
}
