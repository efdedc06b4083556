import { safe } from '#lib/cli/untrusted.ts'
import { env } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'

/** The forge answered, and it was no. */
export class RefusedError extends RaibidError {
  override name = 'RefusedError'
  readonly status: number
  /** How long it asks us to wait, ms; null: it doesn't. */
  readonly retryAfterMs: number | null
  constructor(message: string, status: number, retryAfterMs: number | null = null) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

export interface Place {
  /** For people. */
  title: 'Gitea' | 'GitHub' | 'GitLab'
  url: string
}

export interface Answer {
  status: number
  /** The forge's own words. */
  message: string
  header: (name: string) => string | null | undefined
}

const variable = { Gitea: env.giteaToken, GitHub: env.githubToken, GitLab: env.gitlabToken } as const

/**
 * The sentence for a refusal: what was asked for, what the forge says, and what to do. `token` null: it was asked without one. `may`: what
 * a token has to allow.
 */
export function refused(
  { title, url }: Place,
  token: string | null,
  what: string,
  answer: Answer,
  may: 'read' | 'write' = 'write',
): RefusedError {
  const { status } = answer
  const said = safe(token ? answer.message.replaceAll(token, '***') : answer.message)
    .slice(0, 200)
    .trim()
  const words = said ? `${status}: ${said}` : `${status}`
  const wait = waitOf(answer)
  const where = `in ${variable[title]} or the forge's tokenFile`
  if (wait !== null)
    return new RefusedError(
      `${title} at ${url} asks us to wait ${Math.ceil(wait / 1000)} s before we ${what} (${words})` +
        (token ? '' : `; it allows more with a token: give one ${where}`),
      429,
      wait,
    )
  const rights = may === 'write' ? 'may write to the repository' : 'may read it'
  const text =
    {
      401: token
        ? `${title} at ${url} does not take our token (${words}); give a valid one ${where}`
        : `${title} at ${url} wants a token before we ${what} (${words}); give one ${where}`,
      403: token
        ? `${title} at ${url} does not let our token ${what} (${words}); give one that ${rights}`
        : `${title} at ${url} does not let us ${what} without a token (${words}); give one ${where}`,
      404: `${title} at ${url} could not ${what} (${words}): there is no such thing, or ${token ? 'our token may not see it' : 'only a token lets us see it'}`,
    }[status] ?? `${title} at ${url} refused to ${what} (${words})`
  return new RefusedError(text, status)
}

/** A rate limit: until when we must wait, as ms from now; null: it is none. */
function waitOf({ status, header }: Answer): number | null {
  const limited = status === 429 || (status === 403 && (header('x-ratelimit-remaining') === '0' || header('retry-after')))
  if (!limited) return null
  const seconds = Number(header('retry-after') ?? '')
  const reset = Number(header('x-ratelimit-reset') ?? '') * 1000 - Date.now()
  const ms = seconds > 0 ? seconds * 1000 : reset > 0 ? reset : 60_000
  return Math.min(ms, 3_600_000)
}
