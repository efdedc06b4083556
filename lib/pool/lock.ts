import { hash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, realpathSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'

/**
 * Takes the lock of a RAIBID_HOME, or gives null when another process has it. An abstract Unix socket: the kernel frees it with the process
 * however that ends, so there is no stale lock to judge.
 */
export async function takeLock(home: string): Promise<Server | null> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  return takeNamed(`pool-${digest(realpathSync(home))}`)
}

/** The same for any name. Whoever connects is told `who`. */
export async function takeNamed(name: string, who = ''): Promise<Server | null> {
  const server = createServer((socket) => socket.on('error', () => {}).end(who))
  server.listen(`\0raibid-${name}`)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null
    throw error
  }
  server.unref()
  return server
}

/** Who holds the lock of a name, by its own words; empty: nobody, or it doesn't say. */
export function holderOf(name: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ path: `\0raibid-${name}`, timeout: 1000 })
    socket.setEncoding('utf8').on('data', (piece: string) => (text = (text + piece).slice(0, 200)))
    for (const end of ['close', 'timeout', 'error'] as const) socket.on(end, () => (socket.destroy(), resolve(text)))
  })
}

export const digest = (text: string): string => hash('sha256', text).slice(0, 40)
