import { UnreachableError } from '#lib/errors.ts'
import { whyUnreachable } from '#lib/unreachable.ts'
import { refused, type Place } from './errors.ts'
import type { CallOptions } from './types.ts'

export interface Call extends CallOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Behind the base, beginning with a slash; its parts already checked or encoded. */
  path: string
  body?: unknown
  /** What we want, as it stands behind `could not`. */
  what: string
  /** A secret in `body`: shown in no error. */
  secret?: string | undefined
}

export interface Reply {
  status: number
  headers: Headers
  /** Parsed JSON; undefined where there is none. */
  body: unknown
}

export type Caller = (call: Call) => Promise<Reply>

export const usualBound = 15_000
const maxBytes = 8 * 1024 * 1024

/** What a gateway says for a forge that is away. */
export const awayCodes: readonly number[] = [502, 503, 504]

export const unreachable = ({ title, url }: Place, why: string): UnreachableError =>
  new UnreachableError(`cannot reach ${title} at ${url}: ${why}; is it running, and is this its address?`)

/**
 * HTTP to one forge. No answer is an UnreachableError that names its URL, a no a RefusedError. The token is in a header only, and goes to no
 * other server: redirects are not followed.
 */
export function callerTo(place: Place, base: string, token: () => string, scheme: 'token' | 'Basic' = 'token'): Caller {
  return async function call({ method = 'GET', path, body, what, secret: sent, signal, withinMs = usualBound }) {
    const secret = token()
    const limit = AbortSignal.timeout(withinMs)
    const request: RequestInit = {
      method,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: { accept: 'application/json', authorization: `${scheme} ${secret}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }
    const [response, text] = await fetch(base + path, request)
      .then(async (got) => [got, await bounded(got)] as const)
      .catch((error: unknown) => {
        // an abort is the caller's own
        throw signal?.aborted ? error : unreachable(place, whyUnreachable(error, withinMs))
      })
    const { status, headers } = response
    const parsed = parse(text)
    if (response.ok) return { status, headers, body: parsed }
    if (awayCodes.includes(status)) throw unreachable(place, `it answers ${status}`)
    const moved = status >= 300 && status < 400 && `it has moved to ${headers.get('location') ?? 'elsewhere'}`
    const said = moved || messageIn(parsed)
    const message = sent ? said.replaceAll(sent, '***').replaceAll(encodeURIComponent(sent), '***') : said
    throw refused(place, secret, what, { status, message, header: (name) => headers.get(name) })
  }
}

/** The whole answer, unless somebody sends without end. */
export async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`its answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

const messageIn = (body: unknown): string => {
  const { message } = (body ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : ''
}
