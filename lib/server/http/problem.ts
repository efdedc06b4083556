import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { messageOf, RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'

/** A refusal, as problem+json (RFC 9457). */
export class Refused extends Error {
  override name = 'Refused'
  readonly status: ContentfulStatusCode
  readonly headers: Record<string, string>
  constructor(status: ContentfulStatusCode, detail: string, headers: Record<string, string> = {}) {
    super(detail)
    this.status = status
    this.headers = headers
  }
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
}

/** What is answered to an error: its own words where they are meant for people, and no more than that something is wrong otherwise. */
export function problemOf(error: unknown): Refused {
  if (error instanceof Refused) return error
  if (error instanceof UsageError) return new Refused(400, error.message)
  if (error instanceof UnreachableError || /Connection is closed|ECONNREFUSED|^(?:OOM|MISCONF|LOADING)/.test(messageOf(error)))
    return new Refused(503, 'the queue can’t be reached, or takes nothing just now; try again', { 'retry-after': '5' })
  if (error instanceof RaibidError) return new Refused(409, error.message)
  return new Refused(500, 'a fault in raibid-ci; the log of serve has it under this request’s id')
}

export function problem(context: Context, refused: Refused): Response {
  const { status, message, headers } = refused
  const body = { type: 'about:blank', title: titles[status] ?? 'Error', status, detail: message }
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json', ...headers })
}
