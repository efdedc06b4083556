/** Runs git for the agent: on hostile repositories, with no configuration but this, ended like a step. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { env as names } from '#lib/contract.ts'
import type { GitCredential } from '#lib/git-credentials.ts'
import { createMasker } from './mask.ts'
import { runProcess, type ProcessResult } from './run-process.ts'
import { stepEnvironment } from '#lib/pipeline/step-env.ts'

export interface GitOptions {
  dir: string
  /** What git may know of the machine is picked from this: PATH, HOME, proxies, certificates, ssh. */
  env: NodeJS.ProcessEnv
  mark: string
  credentials: GitCredential[]
  signal: AbortSignal
  /** The one repository that may be read from this machine's disk, and with it submodules there; empty: none. */
  local: string
  onOutput(text: string): void | Promise<void>
}

export type GitResult = ProcessResult & {
  /** The last 32 KiB of what git printed, without credentials. */
  text: string
}

/** `script`: several commands at the price of one process; what it prints is in the result only. */
export type Git = ((...args: string[]) => Promise<GitResult>) & { script(text: string, ...args: string[]): Promise<GitResult> }

const helper = fileURLToPath(new URL('git-credential.sh', import.meta.url))
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** From the machine, besides what a step sees. */
const passed = ['SSH_AUTH_SOCK', 'GIT_SSH_COMMAND', 'GIT_SSH', 'GIT_SSL_CAPATH', 'GIT_SSL_NO_VERIFY', 'GIT_PROXY_SSL_CAINFO']
const keptText = 32 * 1024

/** Set on the command line's level, so that no repository, user or system setting outranks it; submodules obey it as well. */
const settings: [string, string][] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  // The empty one forgets all helpers named before.
  ['credential.helper', ''],
  ['credential.helper', `!sh ${quoted(helper)}`],
  ['credential.useHttpPath', 'false'],
  ['advice.detachedHead', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['submodule.recurse', 'false'],
  // A server that stays silent for a minute is a network failure.
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
]

/** Git's "global" configuration of this clone: lies in the repository, since git takes it from a file only. */
const globalConfig = (dir: string): string => join(dir, '.git', 'raibid-gitconfig')

/** Lets git read a local repository that belongs to another user: whoever asked for its build trusts it. */
export function trustLocal(dir: string, repository: string): void {
  const lines = [repository, join(repository, '.git')].map((path) => `\tdirectory = ${JSON.stringify(path)}\n`)
  writeFileSync(globalConfig(dir), `[safe]\n${lines.join('')}`)
}

function environment({ dir, env, credentials, local }: GitOptions): Record<string, string> {
  const lines = credentials.map(({ host, user, token }) => `${host}\t${user}\t${token}`).join('\n')
  return stepEnvironment({
    base: env,
    pass: passed,
    extra: {
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: local ? globalConfig(dir) : '/dev/null',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      // Empty, not absent: or git would start SSH_ASKPASS.
      GIT_ASKPASS: '',
      GIT_ALLOW_PROTOCOL: local ? 'http:https:ssh:file' : 'http:https:ssh',
      GIT_SSH_COMMAND: env['GIT_SSH_COMMAND'] || 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=30',
      // Messages are told apart by their text.
      LC_ALL: 'C',
      ...(lines && { [names.gitCredentials]: lines }),
    },
  })
}

/** A `git` bound to one folder. It never throws for git's own failures: look at the result. Rejects when aborted, with the signal's reason. */
export function gitIn(options: GitOptions): Git {
  const { dir, mark, signal } = options
  const env = environment(options)
  const config = settings.flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const inEnvironment = Object.fromEntries(
    settings.flatMap(([key, value], i) => [
      [`GIT_CONFIG_KEY_${i}`, key],
      [`GIT_CONFIG_VALUE_${i}`, value],
    ]),
  )

  async function run(command: string, args: string[], more: Record<string, string>, quiet: boolean): Promise<GitResult> {
    signal.throwIfAborted()
    const masker = createMasker(options.credentials.map(({ token }) => token))
    let text = ''
    const take = async (piece: string): Promise<void> => {
      if (piece === '') return
      text = (text + piece).slice(-keptText)
      if (!quiet) await options.onOutput(piece)
    }
    const result = await runProcess({
      command,
      args,
      cwd: dir,
      env: { ...env, ...more },
      mark,
      timeoutMs: 0,
      signal,
      // background maintenance is off, and what it says is on stderr
      tame: true,
      onOutput: (piece) => take(masker.write(piece)),
    })
    await take(masker.flush())
    if (result.outcome === 'aborted') signal.throwIfAborted()
    return { ...result, text }
  }

  const git = (...args: string[]): Promise<GitResult> => run('git', [...config, ...args], {}, false)
  const script = (text: string, ...args: string[]): Promise<GitResult> =>
    run('sh', ['-c', text, 'sh', ...args], { GIT_CONFIG_COUNT: String(settings.length), ...inEnvironment }, true)
  return Object.assign(git, { script })
}
