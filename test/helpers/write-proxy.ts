import { once } from 'node:events'
import { createServer, request as plain, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as secure } from 'node:https'
import type { AddressInfo } from 'node:net'

/** Where the proxy leads, and with which login. */
export interface Upstream {
  url: string
  ca?: string | Buffer | undefined
  cert?: string | Buffer | undefined
  key?: string | Buffer | undefined
}

/** What happens at one write. `cut`: this connection breaks, and so does every later one, until `back()`. */
export interface Fate {
  /** The how manieth from now on; 1 is the next. */
  nth: number
  when: 'before' | 'after'
  act: () => void
  cut: boolean
}

/** Does it change something? What git asks for by POST, and what is only tried, does not. */
const isWrite = ({ method, url = '' }: IncomingMessage): boolean =>
  !['GET', 'HEAD'].includes(method!) && !url.includes('dryRun=') && !url.includes('git-upload-pack')

/** An HTTP proxy that counts the writes that go through it, over plain HTTP on loopback, and goes wrong at a chosen one. */
export async function writeProxy(to: Upstream) {
  const target = new URL(to.url)
  const state = { away: false, hit: '', fate: null as Fate | null, writes: [] as string[] }
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing).catch(() => outgoing.destroy()))
  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (state.away) return void incoming.socket.destroy()
    const counts = isWrite(incoming) && (incoming.method !== 'DELETE' || (await isThere(incoming)))
    const mine = counts && state.fate && --state.fate.nth === 0 ? state.fate : null
    if (counts) state.writes.push(`${incoming.method} ${incoming.url}`)
    if (mine) {
      state.hit = state.writes.at(-1)!
      state.fate = null
    }
    const strike = (): void => {
      state.away = mine!.cut
      mine!.act()
      if (mine!.cut) {
        server.closeAllConnections()
        incoming.socket.destroy()
      }
    }
    if (mine?.when === 'before') {
      strike()
      if (mine.cut) return
    }
    forward(incoming, outgoing, () => mine?.when === 'after' && strike())
  }
  /** To delete what is gone, or goes, is no change. */
  async function isThere({ url, headers }: IncomingMessage): Promise<boolean> {
    const { ca, cert, key } = to
    const ask = target.protocol === 'https:' ? secure : plain
    const { authorization } = headers
    const options = { ca, cert, key, headers: { ...(!cert && authorization && { authorization }) } }
    const answer = await new Promise<IncomingMessage>((resolve, reject) =>
      ask(new URL(url!, target), options, resolve).on('error', reject).end(),
    )
    let text = ''
    for await (const piece of answer.setEncoding('utf8')) text += piece as string
    return answer.statusCode !== 404 && !text.includes('"deletionTimestamp"')
  }
  function forward(incoming: IncomingMessage, outgoing: ServerResponse, answered: () => void): void {
    const { ca, cert, key } = to
    const options = {
      ...{ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method },
      ...{ ca, cert, key, headers: { ...incoming.headers, host: target.host } as IncomingMessage['headers'] },
    }
    // the certificate says who it is
    if (cert) delete options.headers.authorization
    const ask = target.protocol === 'https:' ? secure : plain
    const sent: ClientRequest = ask(options, (answer) => {
      answered()
      if (outgoing.destroyed) return void answer.resume()
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    sent.on('error', () => outgoing.destroy())
    outgoing.on('close', () => sent.destroy())
    // a client that is killed in the middle has sent what it has sent
    incoming.on('error', () => {})
    incoming.pipe(sent)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    arm(fate: Fate): void {
      Object.assign(state, { fate, hit: '' })
    },
    back(): void {
      Object.assign(state, { away: false, fate: null })
    },
    async close(): Promise<void> {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    },
  }
}

export type WriteProxy = Awaited<ReturnType<typeof writeProxy>>
