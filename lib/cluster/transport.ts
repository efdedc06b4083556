import http, { type IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { UnreachableError } from '#lib/errors.ts'
import { whyUnreachable } from '#lib/unreachable.ts'
import { explain, type Asked } from './api-error.ts'
import type { Login } from './kubeconfig.ts'

export interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | undefined>
  body?: unknown
  contentType?: string
  /** For the sentence when it fails. */
  verb: string
  what: string
  /** Bound on the whole request, ms. */
  withinMs?: number
  signal?: AbortSignal | undefined
  /** The answer is text, not a document: a log. */
  raw?: boolean
}

/** HTTP to one API server. Every failure to get an answer is an UnreachableError that names the URL; a refusal is an ApiError. */
export function transportTo(login: Login) {
  const secure = login.url.startsWith('https:')
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true })

  const unreachable = (error: unknown, withinMs?: number): UnreachableError => {
    return new UnreachableError(
      `cannot reach Kubernetes at ${login.server}: ${whyUnreachable(error, withinMs)}; is it running, and is this the right kubeconfig?`,
    )
  }

  async function open(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, query = {}, body, contentType = 'application/json' } = request
    const url = new URL(login.url + path)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
    const text = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = { method, headers: { accept: 'application/json' }, signal }
    // an exec plugin may wait for a person
    const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    await Promise.race([login.apply(options), late])
    if (!login.proxied) options.agent = agent as https.Agent
    const headers = options.headers as Record<string, string>
    if (text !== undefined)
      Object.assign(headers, { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) })
    return new Promise((resolve, reject) => {
      const sent = (secure ? https : http).request(url, options, resolve)
      sent.on('error', (error) => reject(Object.assign(error, { reused: sent.reusedSocket })))
      sent.end(text)
    })
  }

  const asked = ({ verb, what }: Request): Asked => ({ verb, what, server: login.server })

  async function once(request: Request): Promise<unknown> {
    const { withinMs = 15_000 } = request
    const late = AbortSignal.timeout(withinMs)
    const signal = request.signal ? AbortSignal.any([request.signal, late]) : late
    let status: number
    let text = ''
    try {
      const response = await open(request, signal)
      status = response.statusCode ?? 0
      for await (const piece of response.setEncoding('utf8')) text += piece as string
    } catch (error) {
      if (error instanceof UnreachableError) throw error
      if (request.signal?.aborted) throw request.signal.reason
      // a kept connection that the server closed meanwhile; nothing but a creation may not be sent twice
      if ((error as { reused?: boolean }).reused && request.method !== 'POST') return once(request)
      throw unreachable(late.aborted ? late.reason : error, withinMs)
    }
    let body: unknown = text
    try {
      body = JSON.parse(text)
    } catch {
      // a proxy or a panic answers with plain text: the status tells
    }
    if (status < 200 || status > 299) throw explain(status, body, asked(request))
    if (request.raw) return text
    // a portal that wants a login, or an answer that was cut
    if (typeof body !== 'object' || !body) throw unreachable(new Error('what answers is no API server, or its answer was cut'))
    return body
  }

  /** One line after the other, until the server ends it, the connection breaks (throws) or the signal comes. */
  async function* texts(request: Request): AsyncGenerator<string> {
    const { withinMs = 60_000 } = request
    const late = AbortSignal.timeout(withinMs)
    const signal = request.signal ? AbortSignal.any([request.signal, late]) : late
    try {
      const response = await open(request, signal)
      const status = response.statusCode ?? 0
      if (status !== 200) {
        let text = ''
        for await (const piece of response.setEncoding('utf8')) text += piece as string
        let body: unknown = text
        if (text.startsWith('{')) body = JSON.parse(text)
        throw explain(status, body, asked(request))
      }
      let rest = ''
      for await (const piece of response.setEncoding('utf8')) {
        const parts = (rest + (piece as string)).split('\n')
        rest = parts.pop()!
        for (const line of parts) if (line) yield line
      }
      if (request.raw && rest) yield rest
    } catch (error) {
      if (request.signal?.aborted) return
      if ((error as Error).name === 'ApiError' || error instanceof UnreachableError) throw error
      throw unreachable(late.aborted ? late.reason : error, withinMs)
    }
  }

  /** A watch: one document a line. */
  async function* lines(request: Request): AsyncGenerator<unknown> {
    for await (const line of texts(request)) yield JSON.parse(line)
  }

  return { server: login.server, request: once, lines, texts, close: () => agent.destroy() }
}

export type Transport = ReturnType<typeof transportTo>
