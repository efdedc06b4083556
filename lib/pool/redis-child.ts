import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { files } from '#lib/contract.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { startTimeOf } from '#lib/processes.ts'
import { connectTask } from '#lib/queue/connect.ts'
import { writeWhole } from './state.ts'

export interface RedisChild {
  url: string
  pid: () => number
  /** True when it was found running rather than started. */
  adopted: boolean
  /** Ends it; its data is on disk. */
  stop: () => Promise<void>
}

const paths = (home: string) => ({
  url: join(home, files.redisUrl),
  pid: join(home, files.redisPid),
  conf: join(home, 'run/redis.conf'),
  log: join(home, 'run/redis.log'),
})

/**
 * The pool's own redis-server: on loopback, with a password, every write on disk before it is answered. It outlives a supervisor that is
 * killed, and the next one takes it over; killed itself, it is started again at once, on the same port. `say` tells of both.
 */
export async function startRedis(home: string, say: (text: string) => void): Promise<RedisChild> {
  const at = paths(home)
  mkdirSync(join(home, files.redisData), { recursive: true, mode: 0o700 })
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
  const url = await address(at.url)
  let stopping = false
  const found = running(at.pid)
  const adopted = found !== null
  let pid = found ?? (await launch())
  if (adopted) watch(pid)
  await answer(url)

  async function launch(): Promise<number> {
    writeConfig(home, at, url)
    const log = openSync(at.log, 'a', 0o600)
    const child = spawn('redis-server', [at.conf], { detached: true, stdio: ['ignore', log, log] })
    child.unref()
    child.on('exit', () => void again())
    const [failed] = await Promise.race([once(child, 'spawn').then(() => [null]), once(child, 'error')])
    if (failed)
      throw new RaibidError(`redis-server can't be started: ${(failed as Error).message}; install it with \`just setup\``)
    writeWhole(at.pid, `${child.pid}\n`)
    return child.pid!
  }

  let restarts = 0
  async function again(): Promise<void> {
    if (stopping) return
    // the first time at once; one that keeps dying (a full disk) is not hammered
    const wait = restarts++ === 0 ? 0 : Math.min(5000, 100 * 2 ** restarts)
    setTimeout(() => (restarts = 0), 30_000).unref()
    say(`redis-server ended; starting it again${wait ? ` in ${wait} ms` : ''} (its words: ${at.log})`)
    await new Promise((resolve) => setTimeout(resolve, wait))
    if (!stopping) pid = await launch()
  }

  /** An adopted one is not our child: its end is seen by looking. */
  function watch(adoptedPid: number): void {
    const timer = setInterval(() => {
      if (startTimeOf(adoptedPid) !== null) return
      clearInterval(timer)
      void again()
    }, 200)
    timer.unref()
  }

  return {
    url,
    pid: () => pid,
    adopted,
    async stop() {
      stopping = true
      if (startTimeOf(pid) !== null) process.kill(pid, 'SIGTERM')
      for (let i = 0; i < 1000 && startTimeOf(pid) !== null; i++) await new Promise((resolve) => setTimeout(resolve, 10))
      if (startTimeOf(pid) !== null) process.kill(pid, 'SIGKILL')
      rmSync(at.pid, { force: true })
    },
  }
}

/** The pid of our redis-server when it runs: noted, alive, and started with our config. */
export function running(pidFile: string): number | null {
  if (!existsSync(pidFile)) return null
  const pid = Number(readFileSync(pidFile, 'utf8'))
  if (!pid || startTimeOf(pid) === null) return null
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('redis-server') ? pid : null
  } catch {
    return null
  }
}

/** The same address as last time, so that whoever waits for it finds it again; another port only when that one was taken meanwhile. */
async function address(file: string): Promise<string> {
  const noted = existsSync(file) ? new URL(readFileSync(file, 'utf8').trim()) : null
  if (noted && ((await isFree(Number(noted.port))) || running(file.replace('.url', '.pid')))) return noted.href.replace(/\/$/, '')
  const url = `redis://default:${noted?.password || randomBytes(24).toString('hex')}@127.0.0.1:${await freePort()}`
  writeWhole(file, `${url}\n`)
  return url
}

function writeConfig(home: string, at: ReturnType<typeof paths>, url: string): void {
  const { port, password } = new URL(url)
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `dir "${join(home, files.redisData)}"`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory 2gb',
    'maxmemory-policy noeviction',
    'tcp-keepalive 60',
    'loglevel warning',
  ]
  writeWhole(at.conf, lines.join('\n') + '\n')
}

async function answer(url: string): Promise<void> {
  for (const end = Date.now() + 15_000; ;) {
    try {
      return (await connectTask(url, 1000)).disconnect()
    } catch (error) {
      if (Date.now() > end) throw error instanceof UnreachableError ? error : new RaibidError(String(error))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
