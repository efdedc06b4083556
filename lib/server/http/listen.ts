import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { UsageError } from '#lib/errors.ts'

/** An address that only this machine reaches. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host)

export interface Listening {
  url: string
  /** Answers what has begun, and ends what streams. */
  close: () => Promise<void>
}

/** Serves on the address until it is closed. UsageError when the port is taken or the address is none of this machine. */
export async function listen(app: Hono, host: string, port: number): Promise<Listening> {
  // with its own Response the mark of an answer that is written by hand gets lost on the way through the middleware
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  // a slow sender must not hold a connection for ever; a stream that we write is not bounded by this
  server.headersTimeout = 10_000
  server.requestTimeout = 60_000
  server.maxHeadersCount = 100
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const why = {
      EADDRINUSE: 'somebody listens there already',
      EADDRNOTAVAIL: 'it is no address of this machine',
      EACCES: 'not allowed',
    }[code]
    throw new UsageError(`can't listen on ${host}:${port}: ${why ?? message}; choose another --host or --port`)
  }
  const { address, port: own } = server.address() as AddressInfo
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${own}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const late = setTimeout(() => server.closeAllConnections(), 2000)
      await closed
      clearTimeout(late)
    },
  }
}
