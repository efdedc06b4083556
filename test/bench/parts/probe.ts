/**
 * Loaded into every node process of a profiled pool (`NODE_OPTIONS=--import`): writes down when it starts programs, writes to Redis and is
 * answered. One line an event, in `$RAIBID_PROBE/<pid>`: milliseconds since the epoch, kind, text.
 */
import childProcess from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

const folder = process.env['RAIBID_PROBE']
if (folder) watch(openSync(`${folder}/${process.pid}`, 'a'))

function watch(file: number): void {
  const now = (): number => performance.timeOrigin + performance.now()
  const note = (kind: string, text: string, at = now()): void => void writeSync(file, `${at.toFixed(3)}\t${kind}\t${text}\n`)
  note('born', process.argv.slice(1).join(' '), performance.timeOrigin)
  note('booted', '', performance.timeOrigin + performance.nodeTiming.bootstrapComplete)
  note('probe', '')

  const started = childProcess.spawn as (...args: any[]) => childProcess.ChildProcess
  childProcess.spawn = ((...args: any[]) => {
    const from = now()
    const child = started(...args)
    const name = `${args[0]} ${subcommand(args[1])}`
    note('spawn', `${child.pid} ${name}`, from)
    note('spawned', `${child.pid} ${name}`)
    child.once('exit', () => note('exit', `${child.pid} ${name}`))
    return child
  }) as typeof childProcess.spawn
  const ran = childProcess.execFile as (...args: any[]) => childProcess.ChildProcess
  const execFile = (...args: any[]): childProcess.ChildProcess => {
    const from = now()
    const child = ran(...args)
    note('spawn', `${child.pid} ${args[0]}`, from)
    note('spawned', `${child.pid} ${args[0]}`)
    child.once('exit', () => note('exit', `${child.pid} ${args[0]}`))
    return child
  }
  // promisify(execFile) has an implementation of its own; this is what it does
  Object.defineProperty(execFile, Symbol.for('nodejs.util.promisify.custom'), {
    value: (...args: any[]) =>
      new Promise((resolve, reject) =>
        execFile(...args, (error: unknown, stdout: string, stderr: string) =>
          error ? reject(error as Error) : resolve({ stdout, stderr }),
        ),
      ),
  })
  childProcess.execFile = execFile as typeof childProcess.execFile
  syncBuiltinESMExports()

  const connect = Socket.prototype.connect as (...args: any[]) => Socket
  Socket.prototype.connect = function (this: Socket, ...args: any[]) {
    note('connect', '')
    this.once('connect', () => note('connected', ''))
    const push = this.push.bind(this)
    this.push = (chunk: any, ...rest: any[]): boolean => {
      if (chunk) note('answer', brief(String(chunk)))
      return push(chunk, ...rest)
    }
    return connect.apply(this, args)
  } as typeof connect
  const inner = Socket.prototype as unknown as { _writeGeneric: (many: boolean, data: any, ...rest: any[]) => void }
  const send = inner._writeGeneric
  inner._writeGeneric = function (many, data, ...rest) {
    note('write', brief(many ? (data as { chunk: unknown }[]).map(({ chunk }) => String(chunk)).join('') : String(data)))
    send.call(this, many, data, ...rest)
  }
  process.on('exit', () => note('ends', ''))
}

/** What git is asked for, behind its `-c` settings; the first argument of anything else. */
function subcommand(args: unknown): string {
  const list = Array.isArray(args) ? (args as string[]) : []
  return (
    list
      .find((arg, i) => !arg.startsWith('-') && list[i - 1] !== '-c')
      ?.split('/')
      .at(-1) ?? ''
  )
}

const brief = (text: string): string =>
  text
    .replace(/\{"lease".*?\}/, '')
    .replace(/[\r\n]+/g, ' ')
    .slice(0, 20_000)
