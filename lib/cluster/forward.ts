import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { PortForward } from '@kubernetes/client-node'
import { messageOf, RaibidError } from '#lib/errors.ts'
import type { Login } from './kubeconfig.ts'

export interface ForwardTo {
  namespace: string
  pod: string
  port: number
}

export interface Forwarding {
  /** On 127.0.0.1. */
  port: number
  close(): Promise<void>
}

/**
 * Passes each connection to a port of loopback on to a pod, by way of the API server, as `kubectl port-forward` does. A pod that goes ends its
 * connections; later ones reach the next of that name. RaibidError when the port can't be had.
 */
export async function forward(
  { config }: Login,
  { namespace, pod, port }: ForwardTo,
  { listen = 0, tell }: { listen?: number; tell: (text: string) => void },
): Promise<Forwarding> {
  const forwards = new PortForward(config)
  const open = new Set<Socket>()

  async function pass(socket: Socket): Promise<void> {
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    const refused = new PassThrough()
    refused.on('data', (words: Buffer) => {
      tell(`${pod}: ${words.toString().trim()}`)
      socket.destroy()
    })
    try {
      const tunnel = await forwards.portForward(namespace, pod, [port], socket, refused, socket)
      const end = (): void => (typeof tunnel === 'function' ? tunnel()?.close() : tunnel.close())
      if (socket.destroyed) return end()
      socket.on('close', end)
      if (typeof tunnel !== 'function') tunnel.onclose = () => socket.destroy()
    } catch (error) {
      // the library throws what its WebSocket says, which is no Error
      tell(`${pod} can’t be reached: ${messageOf((error as { error?: unknown }).error ?? error)}`)
      socket.destroy()
    }
  }

  const server = createServer((socket) => void pass(socket))
  server.listen(listen, '127.0.0.1')
  await once(server, 'listening').catch((error: unknown) => {
    throw new RaibidError(`port ${listen} of 127.0.0.1 can’t be had: ${messageOf(error)}`)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
