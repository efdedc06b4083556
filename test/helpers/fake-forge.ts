import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface SeenCall {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: any
}

export interface FakeForge {
  url: string
  calls: SeenCall[]
  /** What is said of a commit in a context, in the order in which it came. */
  said: (sha: string) => string[]
  /** Called before each answer; true: it has answered itself. */
  intercept: ((call: SeenCall, response: ServerResponse) => boolean | Promise<boolean>) | null
  /** Nothing listens any more, then again at the same place. */
  down: () => Promise<void>
  up: () => Promise<void>
}

/** A stand-in for Gitea (`/api/v1`) and GitHub (`/api/v3`) that keeps commit statuses. */
export async function startFakeForge(): Promise<FakeForge> {
  const calls: SeenCall[] = []
  const statuses = new Map<string, string[]>()
  let server: Server
  let port = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
    const { method = '', url = '', headers } = request
    const call: SeenCall = { method, path: url, headers, body: text ? JSON.parse(text) : undefined }
    calls.push(call)
    if (await forge.intercept?.(call, response)) return
    const [, sha] = /\/statuses\/([0-9a-f]{40})$/.exec(url) ?? []
    if (method === 'POST' && sha) {
      statuses.set(sha, [...(statuses.get(sha) ?? []), `${call.body.state}: ${call.body.description}`])
      return json(response, 201, { id: 1, state: call.body.state })
    }
    json(response, 404, { message: 'Not Found' })
  }

  const forge: FakeForge = {
    url: '',
    calls,
    said: (sha) => statuses.get(sha) ?? [],
    intercept: null,
    async down() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    async up() {
      server = createServer((request, response) => void answer(request, response))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      ;({ port } = server.address() as { port: number })
      forge.url = `http://127.0.0.1:${port}`
    },
  }
  await forge.up()
  return forge
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
