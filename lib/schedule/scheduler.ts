import { existsSync } from 'node:fs'
import { RaibidError } from '#lib/errors.ts'
import { $ } from '#lib/exec.ts'
import type { Recurring } from './recurring.ts'

export type SchedulerName = 'systemd' | 'systemd-user' | 'cron'
export const schedulerNames: readonly SchedulerName[] = ['systemd', 'systemd-user', 'cron']

export interface Planned {
  did: 'installed' | 'changed' | 'unchanged'
  /** What is written where, to be shown. */
  writes: string[]
}
export type Done = 'removed' | 'nothing'

export interface Scheduled {
  id: string
  recipe: string
  /** In cron's terms. */
  time: string
  by: SchedulerName
  /** ms since 1970; null: never, or not known. */
  next: number | null
  last: number | null
  /** Exit code of the last run. */
  lastCode: number | null
  /** Where its output is: a file, or the command that shows it. */
  log: string
}

export interface Home {
  root: string
  home: string
  folder: string
}

/** What keeps time for us. Each of its verbs may be said again, and then changes nothing. */
export interface Scheduler {
  name: SchedulerName
  /** What installing would do. */
  plan(it: Recurring): Promise<Planned>
  install(it: Recurring): Promise<void>
  remove(id: string, place: Home): Promise<Done>
  /** Those of this installation. */
  list(place: Home): Promise<Scheduled[]>
  /** Why it may not work after all, a sentence each. */
  warnings(): string[] | Promise<string[]>
}

export async function schedulerOf(name: SchedulerName): Promise<Scheduler> {
  if (name === 'cron') return (await import('./cron.ts')).cron
  return (await import('./systemd.ts')).systemd(name)
}

/** Those that work here, the one to be preferred first: systemd where it runs (root: the machine's own), and a crontab. */
export async function schedulersHere(): Promise<SchedulerName[]> {
  const works = async (command: string[]): Promise<boolean> =>
    (await $({ nothrow: true })`${command}`.catch(() => ({ exitCode: 1 }))).exitCode === 0
  const here: SchedulerName[] = []
  // as sd_booted(3) has it
  if (existsSync('/run/systemd/system')) {
    if (process.getuid?.() === 0) here.push('systemd')
    else if (await works(['systemctl', '--user', 'show-environment'])) here.push('systemd-user')
  }
  if (await works(['sh', '-c', 'command -v crontab'])) here.push('cron')
  return here
}

/** The one that is asked for, else the best here. Throws RaibidError when there is none. */
export async function chosenScheduler(asked: SchedulerName | undefined): Promise<Scheduler> {
  const name = asked ?? (await schedulersHere())[0]
  if (name) return schedulerOf(name)
  throw new RaibidError('neither systemd nor a crontab is here to keep the time: install cron (apt-get install cron)')
}
