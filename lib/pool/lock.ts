import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

/**
 * Takes the lock of a RAIBID_HOME, or gives null when another process has it. An abstract Unix socket: the kernel frees it with the process
 * however that ends, so there is no stale lock to judge.
 */
export async function takeLock(home: string): Promise<Server | null> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const name = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 40)
  const server = createServer((socket) => socket.destroy())
  server.listen(`\0raibid-pool-${name}`)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null
    throw error
  }
  server.unref()
  return server
}
