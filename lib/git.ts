import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { env as names } from './contract.ts'
import type { GitCredential } from './git-credentials.ts'

export type { GitCredential } from './git-credentials.ts'

const helper = fileURLToPath(new URL('../agent/git-credential.sh', import.meta.url))

/** The caller's own git settings that say where things are must not decide which repository is asked (a hook sets GIT_DIR). */
const kept = /^GIT_(?:SSH|SSL|PROXY|HTTP|CURL|TRACE)/
const machine = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_') || kept.test(name)))

/**
 * A `git` for a task's questions: gives what it printed, trimmed; rejects when it fails. Credentials go by a helper that answers for their
 * host only: never in an argument or a URL. It never asks a person, and gives up after 15 s, or `timeout` ms. Bound to a repository on this machine (`local`), it
 * reads that one, whoever owns it, and starts no program and no transfer that the repository's own configuration names.
 */
export function gitWith(credentials: GitCredential[], local?: string, timeout = 15_000): (...args: string[]) => Promise<string> {
  const run = promisify(execFile)
  const lines = credentials.map(({ host, user, token }) => `${host}\t${user}\t${token}`).join('\n')
  const env = {
    ...machine(),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: local ? 'none' : 'http:https:ssh:file',
    GIT_SSH_COMMAND:
      process.env['GIT_SSH_COMMAND'] || 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=30',
    LC_ALL: 'C',
    [names.gitCredentials]: lines,
  }
  const settings = [
    ...(lines ? ['credential.helper=', `credential.helper=!sh '${helper.replaceAll("'", `'\\''`)}'`] : []),
    ...(local ? [`safe.directory=${local}`, 'core.fsmonitor=false', 'core.hooksPath=/dev/null', 'log.showSignature=false'] : []),
  ]
  const config = settings.flatMap((setting) => ['-c', setting])
  const place = local ? ['-C', local] : []
  return async (...args) =>
    (await run('git', [...place, ...config, ...args], { env, timeout, maxBuffer: 16 * 1024 * 1024 })).stdout.trim()
}
