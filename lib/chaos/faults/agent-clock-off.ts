import { accessSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { patience, type Fault } from '../fault.ts'

export const fault: Fault = {
  measured: 'from the start of an agent whose clock is an hour off to the end of its job',
  missing: () => (hasFaketime() ? null : 'faketime is not installed'),
  inject(ctx) {
    const offset = ctx.dice.pick(['+1h', '-1h'])
    const name = `chaos-clock-${ctx.planned.n}`
    ctx.note(`an agent ${name} with its clock at ${offset}`)
    const since = performance.now()
    // a job whose agent is lost on its way ends as another's: that is a recovery too
    const recovered = ctx.record
      .next(({ actor, state }) => actor === name && state === 'running', patience.recovery)
      .then(
        (taken) => taken && ctx.record.next(({ job, state }) => job === taken.job && state !== 'cancelling', patience.recovery),
      )
    ctx.start('faketime', ['-f', offset, process.execPath, join(root, 'agent/main.ts')], {
      [env.agent]: name,
      [env.agentIdle]: '5',
    })
    return Promise.resolve({ since, recovered })
  },
}

const hasFaketime = (): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      return accessSync(join(folder, 'faketime')) === undefined
    } catch {
      return false
    }
  })
