import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { files } from '#lib/contract.ts'
import { startTimeOf } from '#lib/processes.ts'
import { writeWhole } from './state.ts'

export const redisPaths = (home: string) => ({
  data: join(home, files.redisData),
  url: join(home, files.redisUrl),
  pid: join(home, files.redisPid),
  conf: join(home, 'run/redis.conf'),
  log: join(home, 'run/redis.log'),
})

/**
 * The pid of the redis-server that works on this home's data, or null. Told by what it is and where it works, never by a noted number: that may be
 * somebody else's by now, and a server whose note was not written yet must not get a second one beside it on the same files.
 */
export function runningRedis(home: string): number | null {
  const { data } = redisPaths(home)
  if (!existsSync(data)) return null
  const folder = realpathSync(data)
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      if (readlinkSync(`/proc/${name}/cwd`) !== folder) continue
      if (readFileSync(`/proc/${name}/comm`, 'utf8').startsWith('redis-server') && startTimeOf(Number(name)) !== null)
        return Number(name)
    } catch {
      // gone, or not ours to see
    }
  }
  return null
}

/** The same address as last time, so that whoever waits for it finds it again; another port only when that one was taken meanwhile. */
export async function redisAddress(home: string): Promise<string> {
  const file = redisPaths(home).url
  const noted = notedAddress(file)
  if (noted && (runningRedis(home) !== null || (await isFree(Number(noted.port))))) return noted.href.replace(/\/$/, '')
  const url = `redis://default:${noted?.password || randomBytes(24).toString('hex')}@127.0.0.1:${await freePort()}`
  writeWhole(file, `${url}\n`)
  return url
}

/** What the file says; null when it is missing or says nothing sensible (a crash while it was written). */
function notedAddress(file: string): URL | null {
  try {
    const url = new URL(readFileSync(file, 'utf8').trim())
    return url.protocol === 'redis:' && url.port && url.password ? url : null
  } catch {
    return null
  }
}

/** Writes redis.conf unless it says the same already: on a full disk an unchanged one must not be touched. */
export function writeRedisConfig(home: string, url: string): string {
  const { conf, data } = redisPaths(home)
  const { port, password } = new URL(url)
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `dir "${data.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory 2gb',
    'maxmemory-policy noeviction',
    'tcp-keepalive 60',
    'loglevel warning',
  ]
  const text = lines.join('\n') + '\n'
  if (!existsSync(conf) || readFileSync(conf, 'utf8') !== text) writeWhole(conf, text)
  return conf
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

/** A port of the loopback interface that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
