/** A recipe that runs again and again: what runs, as what, and how it is known to be ours. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import { env as names, files } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import type { CronTime } from './cron-time.ts'

export interface Recurring {
  recipe: string
  args: string[]
  time: CronTime
  /** Another installation on this machine has another one: `raibid-rescan-1a2b3c4d`. */
  id: string
  root: string
  /** Absolute path of its task file. */
  task: string
  node: string
  env: Record<string, string>
  /** Where cron's output goes, and what is known of the last run. */
  folder: string
}

export interface Installation {
  root: string
  home: string
  env: NodeJS.ProcessEnv
}

/** Name of a recurring recipe of this installation. */
export const idOf = (recipe: string, { root, home }: Installation): string => `raibid-${recipe}-${mark({ root, home })}`

/** Of one installation's. */
export const mark = ({ root, home }: Pick<Installation, 'root' | 'home'>): string =>
  createHash('sha256').update(`${root}\n${home}`).digest('hex').slice(0, 8)

/** Throws UsageError for a place that can't be written into a crontab or a unit. */
export function recurring(recipe: string, task: string, args: readonly string[], time: CronTime, place: Installation): Recurring {
  const { root, home, env } = place
  const own = join(root, 'node_modules/.bin/node')
  const node = existsSync(own) ? own : process.execPath
  const made: Recurring = {
    ...{ recipe, args: [...args], time, id: idOf(recipe, place), root, node },
    task: join(root, task),
    env: {
      [names.home]: home,
      ...(env[names.config] && { [names.config]: resolve(root, env[names.config]!) }),
      PATH: pathOf(env['PATH'] ?? '', node),
      // what a person's shell says of the language of dates and names
      ...(env['LANG'] && { LANG: env['LANG'] }),
    },
    folder: join(home, files.schedule),
  }
  const strange = [made.root, made.task, made.node, made.folder, ...made.args, ...Object.values(made.env)].find((text) =>
    /[\u0000-\u001f\u007f]/.test(text),
  )
  if (strange !== undefined)
    throw new UsageError(`${JSON.stringify(strange.slice(0, 80))} has a control character, which no timer can be told`)
  return made
}

/** The folders of node and of this shell, each once, for cron's own PATH is next to nothing. */
function pathOf(path: string, node: string): string {
  const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  const all = [dirname(node), ...path.split(delimiter), ...usual].filter((folder) => isAbsolute(folder) && existsSync(folder))
  return [...new Set(all)].slice(0, 50).join(delimiter)
}

/** Variables with secrets that this shell has, and a timer will not, for they are not in `.env`: by their names. */
export function secretsLeftBehind(env: NodeJS.ProcessEnv, root: string): string[] {
  const { giteaToken, githubToken, gitlabToken, gitCredentials, redisUrl, secretKey } = names
  const path = join(root, '.env')
  const dotenv = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const written = new Set([...dotenv.matchAll(/^\s*(?:export\s+)?(\w+)\s*=/gm)].map(([, name]) => name))
  return [giteaToken, githubToken, gitlabToken, gitCredentials, redisUrl, secretKey].filter(
    (name) => env[name] && !written.has(name),
  )
}
