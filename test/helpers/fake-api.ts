import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Heard {
  method: string
  path: string
  query: URLSearchParams
  body: any
  contentType: string
}

/** What the fake answers: a document with a status, or whatever the function does with the response (a watch that stays open). */
export type Answer = { status?: number; body: unknown } | ((response: ServerResponse) => void)

/** An API server that answers as the test says, over plain HTTP on loopback, and remembers what was asked. */
export async function fakeApi(answer: (heard: Heard, nth: number) => Answer) {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    request.on('end', () => {
      const url = new URL(request.url!, 'http://x')
      const one = {
        method: request.method!,
        path: url.pathname,
        query: url.searchParams,
        body: text ? JSON.parse(text) : undefined,
        contentType: request.headers['content-type'] ?? '',
      }
      heard.push(one)
      const what = answer(one, heard.length)
      if (typeof what === 'function') return what(response)
      response.writeHead(what.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(what.body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'raibid-kube-')), 'config')
  writeFileSync(kubeconfig, kubeconfigFor(url))
  return {
    url,
    port,
    kubeconfig,
    heard,
    /** As a crash does: listens no more, and breaks what is open. */
    async stop(): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      if (server.listening) await closed
    },
    async start(): Promise<void> {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}

/** The client takes plain HTTP only when it is told not to verify. */
export const kubeconfigFor = (server: string, name = 'fake'): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token: `token-of-${name}` } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })

/** A refusal as Kubernetes words it. */
export const status = (
  code: number,
  reason: string,
  message: string,
  details: object = {},
): { status: number; body: object } => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details },
})

/** A watch: the events, one a line; it stays open unless told otherwise. */
export const stream =
  (events: object[], { end = false, breaks = false } = {}): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const event of events) response.write(`${JSON.stringify(event)}\n`)
    if (end) response.end()
    if (breaks) setTimeout(() => response.destroy(), 20)
  }
