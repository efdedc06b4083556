import { existsSync } from 'node:fs'
import { measure } from '#lib/machine/facts.ts'
import { judge } from '#lib/machine/judge.ts'
import { bad, type Finding as MachineFinding } from '#lib/doctor-finding.ts'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext, Component } from '../component.ts'
import { presets } from '../presets.ts'

/** What was measured of this machine, judged. */
export async function machineFindings({ host, settings }: ClusterContext): Promise<MachineFinding[]> {
  // the fall-back for a machine that is no Linux
  if (!existsSync(host.path('/proc/meminfo')))
    return [bad('system', 'there is no /proc', 'take a Linux machine, or give --kubeconfig')]
  const k3sThere = existsSync(host.path('/etc/systemd/system/k3s.service'))
  return judge(await measure(host), presets[settings.preset], k3sThere)
}

const line = ({ name, found, mend }: MachineFinding): string => `${name}: ${found}${mend ? `; to do: ${mend}` : ''}`

/** This machine, as it is measured: nothing on it is changed. */
export const machine: Component = {
  name: 'machine',
  title: 'This machine',
  needs: [],
  withoutCluster: true,
  settlesWithinMs: 0,
  async check(ctx) {
    if (ctx.settings.existing) return { state: 'healthy', reason: 'not looked at: the cluster that was named is elsewhere' }
    const findings = await machineFindings(ctx)
    const wrong = findings.filter(({ state }) => state === 'fail')
    const doubtful = findings.filter(({ state }) => state === 'warn')
    const evidence = [...wrong, ...doubtful].map(line)
    if (wrong.length)
      return { state: 'degraded', reason: wrong.map(({ name, found }) => `${name}: ${found}`).join('; '), evidence }
    const facts = ['architecture', 'cores', 'memory'].map((name) => findings.find((one) => one.name === name)?.found)
    return {
      state: 'healthy',
      reason: `${facts.join(', ')}${doubtful.length ? `; look at ${doubtful.map(({ name }) => name).join(', ')}` : ''}`,
      ...(doubtful.length && { evidence }),
    }
  },
  async plan(ctx) {
    return (await machineFindings(ctx)).filter(({ state }) => state === 'fail').map((one) => `a person has to mend ${line(one)}`)
  },
  async apply(ctx) {
    const wrong = (await machineFindings(ctx)).filter(({ state }) => state === 'fail')
    if (wrong.length)
      throw new RaibidError(
        `a person has to mend this machine first: ${wrong.map(({ name, mend }) => `${name} (${mend})`).join('; ')}`,
      )
  },
}
