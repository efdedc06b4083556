import { getEventListeners } from 'node:events'
import { enableCompileCache } from 'node:module'
import { join, resolve } from 'node:path'
import { env, exitCodes, files } from '#lib/contract.ts'
import { InterruptedError, RaibidError, UnreachableError, messageOf } from '#lib/errors.ts'
import { parseArgs, wantsHelp, type Args, type Spec } from './args.ts'
import { fail, info, print } from './log.ts'

export interface Context {
  /** Aborts when the person or the system asks to stop: end what was started, then return or throw. */
  signal: AbortSignal
}

/** What a task does. A number that it returns is the exit code. */
export type Run<S extends Spec> = (args: Args<S>, context: Context) => Promise<number | void> | number | void

/** The time a task that doesn't listen to its signal gets, after a first interrupt or a closed pipe, before it ends anyway. */
const graceMs = 500

/** The last line of every task: `if (import.meta.main) await main(spec, run)`. */
export async function main<S extends Spec>(spec: S, run: Run<S>): Promise<void> {
  compileCache()
  const stop = new AbortController()
  listen(stop)
  process.on('uncaughtException', (error) => process.exit(report(error, spec)))
  const code = await attempt(spec, run, stop.signal)
  await Promise.all([process.stdout, process.stderr].map(drained))
  // Not by letting the loop run dry: a forgotten handle must not keep a finished task alive.
  process.exit(code)
}

async function attempt<S extends Spec>(spec: S, run: Run<S>, signal: AbortSignal): Promise<number> {
  const argv = process.argv.slice(2)
  try {
    if (wantsHelp(argv)) {
      print((await import('./usage.ts')).usage(spec))
      return exitCodes.done
    }
    const code = await run(parseArgs(spec, argv), { signal })
    return signal.aborted ? reasonCode(signal) : (code ?? exitCodes.done)
  } catch (error) {
    if (signal.aborted && isAbort(error)) return reasonCode(signal)
    return report(error, spec)
  }
}

/** Says what went wrong, for a person; returns the exit code. */
function report(error: unknown, spec: Spec): number {
  // ioredis's own words for a connection that did not come back (lib/queue/connect.ts)
  if (error instanceof Error && error.message === 'Connection is closed.')
    return report(new UnreachableError('the connection to Redis was lost and did not come back within 10 s'), spec)
  const known = error instanceof RaibidError
  if (!(error instanceof InterruptedError))
    fail(known ? error.message : messageOf(error).split('\n')[0] || 'it failed without a message')
  if (error instanceof Error && error.name === 'UsageError') info(`  see \`just ${spec.name} --help\``)
  if (process.env['DEBUG'] && error instanceof Error) info(error.stack ?? '')
  else if (!known) info('  This is a fault in raibid-ci; DEBUG=1 shows where.')
  return known ? error.exitCode : exitCodes.failed
}

const isAbort = (error: unknown) => error instanceof InterruptedError || (error instanceof Error && error.name === 'AbortError')
const reasonCode = (signal: AbortSignal) => (signal.reason instanceof InterruptedError ? exitCodes.interrupted : exitCodes.done)

function listen(stop: AbortController): void {
  const end = (reason: Error, code: number) => {
    // The second request: whoever asks twice doesn't want to wait.
    if (stop.signal.aborted) process.exit(code)
    const heard = getEventListeners(stop.signal, 'abort').length > 0
    stop.abort(reason)
    if (!heard) setTimeout(() => process.exit(code), graceMs)
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => end(new InterruptedError(`Stopped by ${name}.`), exitCodes.interrupted))
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `| head` has seen enough: that is no failure.
    if (error.code === 'EPIPE' && !stop.signal.aborted) end(new Error('The reader of the output left.'), exitCodes.done)
  })
  // Nobody reads the story: the work goes on.
  process.stderr.on('error', () => {})
}

const drained = (stream: NodeJS.WriteStream) =>
  new Promise<void>((resolve) => (stream.destroyed || stream.errored ? resolve() : stream.write('', () => resolve())))

function compileCache(): void {
  if (process.env['NODE_COMPILE_CACHE']) return
  const home = resolve(import.meta.dirname, '../..', process.env[env.home] || '.raibid')
  // Where the folder can't be written it says so in what it returns; that is only a matter of speed.
  enableCompileCache(join(home, files.compileCache))
}
