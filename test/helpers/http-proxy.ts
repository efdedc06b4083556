import { once } from 'node:events'
import { createServer, request as ask, type IncomingMessage } from 'node:http'

export type Fate = 'pass' | 'lost before' | 'lost after'

export interface HttpProxy {
  url: string
  /** Asked of each request; `lost`: its connection is cut before it is passed on, or after it was answered. */
  fate: (request: IncomingMessage) => Fate
  close: () => Promise<void>
}

/** Passes HTTP on to another server, and cuts what it is told to cut. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const server = createServer((request, response) => {
    const fate = proxy.fate(request)
    if (fate === 'lost before') return void request.socket.destroy()
    const onward = ask(`${target}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
      if (fate === 'lost after') return void answer.resume().on('end', () => request.socket.destroy())
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    fate: () => 'pass',
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
