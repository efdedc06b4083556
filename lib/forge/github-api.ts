import type { Octokit as Rest } from '@octokit/rest'
import type { Forge } from '#lib/config.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { whyUnreachable } from '#lib/unreachable.ts'
import { awayCodes, unreachable, usualBound } from './call.ts'
import { refused, type Place } from './errors.ts'
import type { CallOptions } from './types.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** GitHub's own address for programs; its clouds for single companies have theirs beside, an Enterprise server below its own name. */
export function apiOf(url: string): string {
  const host = new URL(url).host.toLowerCase()
  if (host === 'github.com') return 'https://api.github.com'
  return host.endsWith('.ghe.com') ? `https://api.${host}` : `${url}/api/v3`
}

interface Failure {
  status?: number
  name?: string
  message: string
  response?: { headers: Record<string, string | number | undefined>; data?: unknown }
}

/** What GitHub means for good, and 429, which says itself when to come back. */
const notAgain = [400, 401, 403, 404, 410, 422, 429, 451]

interface ApiOptions {
  repeats?: number | undefined
  /** ms before the first repeat; the second comes after four times that. */
  repeatMs?: number | undefined
  /** In the place of node's own. */
  fetch?: typeof fetch
  /** What our token has to allow. */
  may?: 'read' | 'write'
}

/**
 * Calls to GitHub by Octokit, which is loaded at the first. It spaces writes as GitHub asks (one a second) and repeats what failed on
 * GitHub's side twice; waiting out a rate limit is the caller's business, who is told how long.
 */
export function githubApi(
  { url, token }: Pick<Forge, 'url'> & { token: () => string | null },
  { repeats = 2, repeatMs = 1000, fetch, may }: ApiOptions = {},
) {
  const place: Place = { title: 'GitHub', url }
  let made: { octokit: Rest; secret: string | null } | undefined

  async function octokit(): Promise<{ octokit: Rest; secret: string | null }> {
    const secret = token()
    if (made?.secret === secret) return made
    const [{ Octokit }, { throttling }, { retry }] = await Promise.all([
      import('@octokit/rest'),
      import('@octokit/plugin-throttling'),
      import('@octokit/plugin-retry'),
    ])
    made = {
      secret,
      octokit: new (Octokit.plugin(throttling, retry))({
        ...(secret !== null && { auth: secret }),
        baseUrl: apiOf(url),
        userAgent: 'raibid-ci',
        log: silent,
        throttle: { id: url, onRateLimit: () => false, onSecondaryRateLimit: () => false },
        retry: { retries: repeats, retryAfterBaseValue: repeatMs, doNotRetry: notAgain },
        ...(fetch && { request: { fetch } }),
      }),
    }
    return made
  }

  /** One call. `signal` belongs into its parameters, under `request`. */
  return async function ask<T>(
    what: string,
    { signal, withinMs = 2 * usualBound }: CallOptions,
    call: (octokit: Rest, request: { signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const limit = AbortSignal.timeout(withinMs)
    const { octokit: api, secret } = await octokit()
    try {
      return await call(api, { signal: signal ? AbortSignal.any([signal, limit]) : limit })
    } catch (error) {
      if (signal?.aborted) throw error
      const { response, status = 0, message } = error as Failure
      if (limit.aborted) throw unreachable(place, `no answer within ${withinMs / 1000} s`)
      if (!response) throw status ? unreachable(place, whyUnreachable(error)) : error
      if (awayCodes.includes(status)) throw unreachable(place, `it answers ${status}`)
      const { message: own } = (response.data ?? {}) as { message?: unknown }
      const header = (name: string): string | undefined => response.headers[name]?.toString()
      const said = status === 304 ? message : safe(typeof own === 'string' ? own : message)
      throw refused(place, secret, what, { status, message: said, header }, may)
    }
  }
}
