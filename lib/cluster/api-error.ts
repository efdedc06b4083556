import { RaibidError, UnreachableError } from '#lib/errors.ts'

/** What was asked, for the sentence about what came back. */
export interface Asked {
  verb: string
  /** As in `pods in ci` or `ScaledJob agents-default in ci`. */
  what: string
  server: string
}

/** The Status object that Kubernetes answers with when it refuses. */
interface Status {
  reason?: string
  message?: string
  details?: { causes?: { field?: string; message?: string }[]; retryAfterSeconds?: number }
}

/** The API server refused a request. */
export class ApiError extends RaibidError {
  override name = 'ApiError'
  readonly status: number
  /** Kubernetes' own word: `Conflict`, `AlreadyExists`, `Expired`, `Forbidden`, … */
  readonly reason: string

  constructor(message: string, status: number, reason: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** What the answer means, as an error with a whole sentence: UnreachableError when the server can't work, else an ApiError. */
export function explain(status: number, body: unknown, { verb, what, server }: Asked): ApiError | UnreachableError {
  const { reason = '', message = '', details } = (typeof body === 'object' && body ? body : {}) as Status
  const said = message || (typeof body === 'string' ? body.trim().slice(0, 300) : '') || 'no reason given'
  const error = (text: string): ApiError => new ApiError(text, status, reason)
  if (status === 401)
    return error(`${server} does not accept these credentials (to ${verb} ${what}): log in again, or use another context`)
  // admission answers with the same number as a role that is missing
  if (status === 403 && reason === 'Forbidden' && !/ cannot /.test(message))
    return error(`${server} does not admit ${what}: ${said}`)
  if (status === 403) return error(`not allowed to ${verb} ${what} on ${server}: ${said}; ask for a role that may`)
  if (status === 404) return error(`cannot ${verb} ${what}: ${said}`)
  if (status === 409 && reason === 'AlreadyExists') return error(`cannot ${verb} ${what}: it is there already`)
  if (status === 409 && verb === 'apply') {
    const fields = details?.causes?.map(({ field, message: who }) => `${field ?? '?'} (${who ?? '?'})`).join(', ') || said
    return error(`somebody else has set fields of ${what}: ${fields}; force the apply to take them over`)
  }
  if (status === 409) return error(`cannot ${verb} ${what}: it was changed meanwhile (${said}); try again`)
  if (status === 410) return error(`what was known of ${what} is too old: ${said}`)
  if (status === 422) return error(`${server} refuses ${what}: ${said}`)
  if (status >= 500 && /failed calling webhook/.test(message))
    return new UnreachableError(
      `${server} asks an admission webhook about ${what}, which does not answer: ${said}; mend it, or whoever installed it takes its configuration away`,
    )
  if (status === 429 || status >= 500)
    return new UnreachableError(
      `Kubernetes at ${server} can't ${verb} ${what} now (${status}): ${said}; see that the API server and its etcd run`,
    )
  return error(`cannot ${verb} ${what} (${status}): ${said}`)
}

/** What was known is too old to go on from: list again. */
export const isGone = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 410 || error.reason === 'Expired')
export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409
export const isMissing = (error: unknown): boolean => error instanceof ApiError && error.status === 404
export const isForbidden = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 403 || error.status === 401)
