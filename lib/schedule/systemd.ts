/** The scheduler where systemd runs: a timer and its service, of the machine or of the user. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'
import { $ } from '#lib/exec.ts'
import { mark, type Recurring } from './recurring.ts'
import type { Done, Planned, Scheduled, Scheduler } from './scheduler.ts'
import { serviceText, timerText } from './units.ts'

export function systemd(name: 'systemd' | 'systemd-user'): Scheduler {
  const flags = name === 'systemd' ? [] : ['--user']
  const folder =
    name === 'systemd'
      ? '/etc/systemd/system'
      : join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'systemd/user')

  async function systemctl(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await $({ nothrow: true })`systemctl ${flags} ${args}`
    if (exitCode === 0) return stdout
    throw new RaibidError(`systemctl ${[...flags, ...args].join(' ')} failed: ${stderr.trim() || `exit ${exitCode}`}`)
  }

  const unitsOf = (it: Recurring): [string, string][] => [
    [join(folder, `${it.id}.service`), serviceText(it)],
    [join(folder, `${it.id}.timer`), timerText(it)],
  ]
  const text = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null)

  async function scheduled(id: string): Promise<Scheduled> {
    const timer = propertiesOf(
      await systemctl('show', '--timestamp=unix', '-p', 'NextElapseUSecRealtime,LastTriggerUSec', `${id}.timer`),
    )
    const service = propertiesOf(await systemctl('show', '-p', 'ExecMainStatus', `${id}.service`))
    const last = timeOf(timer['LastTriggerUSec'])
    const [, time = ''] = /^# (\S+ \S+ \S+ \S+ \S+)$/m.exec((await text(join(folder, `${id}.timer`))) ?? '') ?? []
    return {
      ...{ id, recipe: id.slice('raibid-'.length, -9), time, by: name, next: timeOf(timer['NextElapseUSecRealtime']), last },
      lastCode: last === null ? null : Number(service['ExecMainStatus'] ?? 0),
      log: `journalctl ${[...flags, '-u', id].join(' ')}`,
    }
  }

  return {
    name,

    async plan(it): Promise<Planned> {
      const units = unitsOf(it)
      const now = await Promise.all(units.map(([path]) => text(path)))
      const same = units.every(([, wished], i) => now[i] === wished) && (await isActive(it.id))
      const writes = units.map(([path, wished]) => `${path}:\n${wished}`)
      return { did: same ? 'unchanged' : now.some((one) => one !== null) ? 'changed' : 'installed', writes }
    },

    async install(it): Promise<void> {
      await mkdir(folder, { recursive: true })
      for (const [path, wished] of unitsOf(it)) await writeFile(path, wished, { mode: 0o644 })
      await systemctl('daemon-reload')
      await systemctl('enable', `${it.id}.timer`)
      // also when it runs already, for its times may be others now
      await systemctl('restart', `${it.id}.timer`)
    },

    async remove(id): Promise<Done> {
      const paths = [join(folder, `${id}.timer`), join(folder, `${id}.service`)]
      const there = await Promise.all(paths.map(text))
      if (there.every((one) => one === null)) return 'nothing'
      if (there[0] !== null) await systemctl('disable', '--now', `${id}.timer`)
      for (const path of paths) await rm(path, { force: true })
      await systemctl('daemon-reload')
      // a last run that failed would be told of for ever
      await $({ nothrow: true })`systemctl ${flags} reset-failed ${`${id}.service`}`
      return 'removed'
    },

    async list(place): Promise<Scheduled[]> {
      const units = await readdir(folder).catch(() => [])
      const ids = units
        .filter((unit) => unit.endsWith(`-${mark(place)}.timer`) && unit.startsWith('raibid-'))
        .map((unit) => unit.slice(0, -6))
      return Promise.all(ids.toSorted().map(scheduled))
    },

    async warnings(): Promise<string[]> {
      if (name === 'systemd') return []
      const user = userInfo().username
      const { stdout } = await $({ nothrow: true })`loginctl show-user ${user} -p Linger`.catch(() => ({ stdout: '' }))
      return stdout.trim() === 'Linger=no'
        ? [`it runs only while ${user} is logged in; for always: loginctl enable-linger ${user}`]
        : []
    },
  }

  async function isActive(id: string): Promise<boolean> {
    const { exitCode } = await $({ nothrow: true })`systemctl ${flags} is-active --quiet ${`${id}.timer`}`
    return exitCode === 0
  }
}

const propertiesOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => (line.includes('=') ? [line.split(/=(.*)/s).slice(0, 2) as [string, string]] : [])),
  )

/** `@1763759700`, or a date where systemd doesn't know that form; null: never. */
function timeOf(text: string | undefined): number | null {
  if (!text || text === 'n/a' || text === '0') return null
  const ms = text.startsWith('@') ? Number(text.slice(1)) * 1000 : Date.parse(text.replace(/^\w{3} /, ''))
  return Number.isNaN(ms) ? null : ms
}
