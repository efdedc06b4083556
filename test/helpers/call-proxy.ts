import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface CallProxy {
  port: number
  /** How many times the client has written so far: with one call at a time, its calls. */
  calls: () => number
  close: () => Promise<void>
}

/** What happens at one call: `before`: it never reaches the server; `reply`: it does, but its answer is lost and the connection cut. */
export type Cut = { call: number; mode: 'before' | 'reply'; then?: () => void }

/** A TCP proxy in front of Redis that goes wrong once, at a chosen call. */
export async function callProxy(target: number, cut: Cut): Promise<CallProxy> {
  let calls = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    const both = [client, upstream]
    let mute = false
    const end = (): void => both.forEach((socket) => socket.destroy())
    for (const socket of both) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', () => (end(), open.delete(socket)))
    }
    client.on('data', (bytes) => {
      if (++calls === cut.call) {
        if (cut.mode === 'before') {
          end()
          cut.then?.()
          return
        }
        mute = true
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (!mute) return void client.write(bytes)
      // the script has run: the client will never know
      end()
      cut.then?.()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    calls: () => calls,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
