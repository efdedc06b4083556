import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Added to our own environment; undefined: not in it. */
  env?: Readonly<Record<string, string | undefined>>
  signal?: AbortSignal
  /** Ended after this, ms; default 60 s. */
  withinMs?: number
  /** Folder in which it runs; default: ours. */
  cwd?: string
  /** Written to its stdin. */
  input?: string
}

/** A machine: its files, and its commands by an argument list, never by a shell. */
export interface Host {
  /** The folder that stands for `/`. */
  root: string
  /** Where a file of the machine is for us: `/etc/hosts` below the root. */
  path(absolute: string): string
  /** Runs a command to its end. Throws RaibidError when there is no such command or it takes too long, and what the signal says. */
  run(command: readonly string[], options?: RunOptions): Promise<Ran>
}

/** What is kept of what a command prints. */
const kept = 1 << 20

/** The machine we run on; a test names another folder for its root. */
export const hostAt = (root = '/'): Host => ({
  root,
  path: (absolute) => join(root, absolute),
  run: (command, options = {}) => runCommand(command, options),
})

function runCommand(command: readonly string[], { env, signal, withinMs = 60_000, input, cwd }: RunOptions): Promise<Ran> {
  const [name = '', ...args] = command
  return new Promise((resolve, reject) => {
    const late = AbortSignal.timeout(withinMs)
    const stop = signal ? AbortSignal.any([signal, late]) : late
    if (stop.aborted) return reject(stop.reason as Error)
    // a group of its own: Ctrl-C reaches us, and we end all of it
    const child = spawn(name, args, {
      env: { ...process.env, ...env },
      detached: true,
      ...(cwd && { cwd }),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const out = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => (out[stream] = (out[stream] + text).slice(-kept)))
    const end = (): void => {
      try {
        process.kill(-child.pid!, 'SIGTERM')
      } catch {
        // it has ended
      }
    }
    stop.addEventListener('abort', end, { once: true })
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(new RaibidError(error.code === 'ENOENT' ? `${name} is not installed` : `${name} does not start: ${error.message}`)),
    )
    child.on('close', (code) => {
      stop.removeEventListener('abort', end)
      if (signal?.aborted) reject(signal.reason as Error)
      else if (late.aborted) reject(new RaibidError(`${name} took longer than ${withinMs / 1000} s, and was ended`))
      else resolve({ code: code ?? 1, ...out })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}
