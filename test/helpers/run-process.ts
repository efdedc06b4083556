import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '#lib/config.ts'

export interface Result {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

interface Options {
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Called with each piece of stdout, to act on what a running process says. */
  onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** Runs a command to its end and takes what it said; never throws for an exit code. */
export function runProcess(command: string, args: string[], { env, cwd = root, onOutput }: Options = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      onOutput?.(text, (signal) => child.kill(signal))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Runs a task file, as `node tasks/…` does. */
export const runTask = (file: string, args: string[] = [], options: Options = {}): Promise<Result> =>
  runProcess(process.execPath, [join(root, file), ...args], options)
