/** Runs one program in a session of its own, under a mark, a time limit and an abort signal; nothing that it started outlives it. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { stepEnv } from '#lib/contract.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { endMarked } from '#lib/processes.ts'
import { openPipe } from './pipe.ts'
import { pump } from './pump.ts'

export interface ProcessOptions {
  command: string
  args: string[]
  cwd: string
  /** The complete environment: nothing is inherited. The mark is added. */
  env: Record<string, string>
  /** Value of RAIBID_MARK: what carries it belongs to the process, and is ended with it. */
  mark: string
  /** 0: no limit. */
  timeoutMs: number
  signal: AbortSignal
  /** Time between TERM and KILL. */
  graceMs?: number
  /** A well-behaved program, which costs less: its stderr alone is the output, and it leaves nothing in the background. */
  tame?: boolean
  /** Output, stdout and stderr in their order. Nothing more is read until it resolves. If it throws, the process is ended. */
  onOutput(text: string): void | Promise<void>
}

export interface ProcessResult {
  exitCode: number | null
  signal: string | null
  outcome: 'exited' | 'timeout' | 'aborted'
  durationMs: number
}

/** Resolves when the process and all it started are gone and its output is read; throws RaibidError when it can't be started. */
export async function runProcess(options: ProcessOptions): Promise<ProcessResult> {
  const { mark, signal, graceMs = 1000, timeoutMs } = options
  const begin = performance.now()
  const since = (): number => Math.round(performance.now() - begin)
  if (signal.aborted) return { exitCode: null, signal: null, outcome: 'aborted', durationMs: 0 }

  const { child, output } = await start(options)
  const end = (): Promise<number> =>
    endMarked(stepEnv.mark, mark, { graceMs, groups: child.pid === undefined ? [] : [child.pid], folder: options.cwd })
  let outcome: ProcessResult['outcome'] = 'exited'
  let ending: Promise<number> | undefined
  const stop = (why?: 'timeout' | 'aborted'): void => {
    if (ending) return
    if (why) outcome = why
    ending = end()
    // Awaited below; until then a failure must not count as unhandled.
    ending.catch(() => {})
  }
  const onAbort = (): void => stop('aborted')
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const timer = timeoutMs > 0 ? setTimeout(() => stop('timeout'), timeoutMs) : undefined

  const reading = pump(output, options.onOutput)
  let failure: unknown
  reading.done.catch((error: unknown) => {
    failure = error
    stop()
  })
  try {
    const [exitCode, exitSignal] = await exitOf(child)
    clearTimeout(timer)
    // What went on in the background ends with the step, and with it the last writer of the pipe.
    if (!options.tame) stop()
    await ending
    await reading.finish()
    if (failure !== undefined) throw failure
    return { exitCode, signal: exitSignal, outcome, durationMs: since() }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    output.destroy()
  }
}

async function start(options: ProcessOptions): Promise<{ child: ChildProcess; output: Readable }> {
  if (!options.tame) return startOnPipe(options)
  const child = launch(options, ['ignore', 'ignore', 'pipe'])
  await started(child, options)
  return { child, output: child.stderr! }
}

const launch = ({ command, args, cwd, env, mark }: ProcessOptions, stdio: StdioOptions): ChildProcess =>
  spawn(command, args, { cwd, env: { ...env, [stepEnv.mark]: mark }, detached: true, stdio })

async function started(child: ChildProcess, { command, cwd }: ProcessOptions): Promise<void> {
  try {
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  } catch (error) {
    throw new RaibidError(`Could not start ${command} in ${cwd}: ${messageOf(error)}.`, { cause: error })
  }
}

async function startOnPipe(options: ProcessOptions): Promise<{ child: ChildProcess; output: Readable }> {
  const { readEnd, writeEnd } = await openPipe()
  // Takes the descriptor over: it is closed with the socket.
  const output = new Socket({ fd: readEnd, readable: true, writable: false })
  try {
    const child = launch(options, ['ignore', writeEnd, writeEnd])
    await started(child, options)
    return { child, output }
  } catch (error) {
    output.destroy()
    throw error
  } finally {
    closeSync(writeEnd)
  }
}

const exitOf = (child: ChildProcess): Promise<[number | null, string | null]> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve([child.exitCode, child.signalCode])
    else child.once('exit', (code, signal) => resolve([code, signal]))
  })
