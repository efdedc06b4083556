import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
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
export async function startRedis(...more: string[]): Promise<TestRedis> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'raibid-redis-'))
  const url = `redis://127.0.0.1:${port}`
  const clients: Redis[] = []
  let child: ChildProcess
  async function start(): Promise<void> {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction']
    child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...durable, ...more], {
      stdio: 'ignore',
    })
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
