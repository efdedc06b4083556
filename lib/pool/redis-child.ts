import { spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { startTimeOf } from '#lib/processes.ts'
import { connectTask } from '#lib/queue/connect.ts'
import { redisAddress, redisPaths, runningRedis, writeRedisConfig } from './redis-files.ts'
import { writeWhole } from './state.ts'

export interface RedisChild {
  url: string
  pid: () => number
  /** True when it was found running rather than started. */
  adopted: boolean
  /** Ends it; its data is on disk. */
  stop: () => Promise<void>
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * The pool's own redis-server: on loopback, with a password, every write on disk before it is answered. It outlives a supervisor that is
 * killed, and the next one takes it over; ended for whatever reason, it is started again at once, then ever more slowly, on the same port. `say` tells
 * of both. RaibidError, with its own last words, when it can't be started.
 */
export async function startRedis(home: string, say: (text: string) => void): Promise<RedisChild> {
  const at = redisPaths(home)
  mkdirSync(at.data, { recursive: true, mode: 0o700 })
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
  const url = await redisAddress(home)
  const { port, password } = new URL(url)
  let stopping = false
  let restarts = 0
  let ends = 0
  const found = runningRedis(home)
  let pid = found ?? (await launch())
  if (found !== null) watch(found)
  await answer()
  // also where it was found: a supervisor may have been killed before it could note it
  writeWhole(at.pid, `${pid}\n`)

  async function launch(): Promise<number> {
    const conf = writeRedisConfig(home, url)
    const log = openSync(at.log, 'a', 0o600)
    try {
      // its folder from its first moment on: that is how it is known
      const child = spawn('redis-server', [conf], { cwd: at.data, detached: true, stdio: ['ignore', log, log] })
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
      child.once('exit', () => void again())
      child.unref()
      return child.pid!
    } catch (error) {
      throw new RaibidError(`redis-server can't be started: ${messageOf(error)}; install it with \`just setup\``)
    } finally {
      closeSync(log)
    }
  }

  async function again(): Promise<void> {
    ends++
    while (!stopping) {
      // the first time at once; one that keeps ending (a full disk) is not hammered
      const wait = restarts++ === 0 ? 0 : Math.min(5000, 100 * 2 ** restarts)
      if (restarts === 1) setTimeout(() => (restarts = 0), 30_000).unref()
      say(`redis-server ended; starting it again${wait ? ` in ${wait} ms` : ''} (its words: ${at.log})`)
      await pause(wait)
      try {
        if (stopping) return
        pid = await launch()
        writeWhole(at.pid, `${pid}\n`)
        return
      } catch (error) {
        say(`redis-server can't be started: ${messageOf(error)}`)
      }
    }
  }

  /** One that was found is not our child: its end is seen by looking. */
  function watch(one: number): void {
    const timer = setInterval(() => {
      if (startTimeOf(one) !== null) return
      clearInterval(timer)
      void again()
    }, 200)
    timer.unref()
  }

  async function answer(): Promise<void> {
    for (const end = Date.now() + 30_000; ; await pause(10)) {
      try {
        return (await connectTask(url, 1000)).disconnect()
      } catch (error) {
        if (ends < 3 && Date.now() < end) continue
        stopping = true
        const words = readFileSync(at.log, 'utf8').trim().split('\n').slice(-5).join('\n').replaceAll(password, '***')
        throw new RaibidError(
          `redis-server does not come up on port ${port} (${messageOf(error)}); its last words (${at.log}):\n${words}`,
        )
      }
    }
  }

  return {
    url,
    pid: () => pid,
    adopted: found !== null,
    async stop() {
      stopping = true
      await endRedis(pid)
      rmSync(at.pid, { force: true })
    },
  }
}

/** Asks a redis-server to end, and makes it after ten seconds. */
export async function endRedis(pid: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return // gone
    }
    for (const end = Date.now() + 10_000; startTimeOf(pid) !== null && Date.now() < end;) await pause(10)
  }
}
