import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '#lib/pool/redis-files.ts'

export { freePort }

export interface TestRedis {
  url: string
  port: number
  dir: string
  child: () => ChildProcess
  /** A connection that is closed with the server. */
  client: () => Redis
  kill: () => Promise<void>
  start: () => Promise<void>
  stop: () => Promise<void>
}

/** A real redis-server of one test file, on a free loopback port, with the durability of the product. */
export const startRedis = (...more: string[]): Promise<TestRedis> => startRedisAt({ more })

export interface RedisPlace {
  /** One more address that it listens on. */
  host?: string
  /** What its ACL file says, and who of it the test is: `app:password@`. */
  acl?: { users: string; login: string }
  more?: string[]
}

export async function startRedisAt({ host, acl, more = [] }: RedisPlace): Promise<TestRedis> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'raibid-redis-'))
  const url = `redis://${acl?.login ?? ''}${host ?? '127.0.0.1'}:${port}`
  const users = join(dir, 'users.acl')
  if (acl) await writeFile(users, acl.users)
  const clients: Redis[] = []
  let child: ChildProcess
  async function start(): Promise<void> {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction']
    const listens = ['--port', String(port), '--bind', ...new Set(['127.0.0.1', host ?? '127.0.0.1'])]
    const known = acl ? ['--aclfile', users] : []
    child = spawn('redis-server', [...listens, '--dir', dir, ...durable, ...known, ...more], { stdio: 'ignore' })
    const probe = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
    probe.on('error', () => {})
    await probe.ping()
    probe.disconnect()
  }
  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  return {
    url,
    port,
    dir,
    child: () => child,
    client() {
      const client = new Redis(url, { maxRetriesPerRequest: null })
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    kill,
    start,
    async stop() {
      for (const client of clients) client.disconnect()
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
