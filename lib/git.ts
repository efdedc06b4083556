import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { env as names } from './contract.ts'
import type { GitCredential } from './git-credentials.ts'

export type { GitCredential } from './git-credentials.ts'

const helper = new URL('../agent/git-credential.sh', import.meta.url).pathname

/**
 * A `git` for a task's questions: gives what it printed, trimmed; rejects when it fails. Credentials go by a helper that answers for their
 * host only: never in an argument or a URL. It never asks a person,
 * and gives up after 15 s.
 */
export function gitWith(credentials: GitCredential[]): (...args: string[]) => Promise<string> {
  const run = promisify(execFile)
  const lines = credentials.map(({ host, user, token }) => `${host}\t${user}\t${token}`).join('\n')
  const env = {
    ...process.env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:file',
    GIT_SSH_COMMAND:
      process.env['GIT_SSH_COMMAND'] || 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=30',
    LC_ALL: 'C',
    [names.gitCredentials]: lines,
  }
  const config = lines ? ['-c', 'credential.helper=', '-c', `credential.helper=!sh '${helper.replaceAll("'", `'\\''`)}'`] : []
  return async (...args) =>
    (await run('git', [...config, ...args], { env, timeout: 15_000, maxBuffer: 16 * 1024 * 1024 })).stdout.trim()
}
