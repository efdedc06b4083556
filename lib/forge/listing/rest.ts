import { setTimeout as sleep } from 'node:timers/promises'
import { whyUnreachable } from '#lib/unreachable.ts'
import { awayCodes, unreachable, usualBound } from '../call.ts'
import { refused, type Place } from '../errors.ts'
import { carefulFetch } from './careful-fetch.ts'
import type { Asking } from './lister.ts'
import { patiently } from './patience.ts'

export interface RestAnswer {
  status: number
  headers: Headers
  data: unknown
}

/** GETs to a forge without a client of its own, with the same promises as those by Octokit. */
export function restReader(
  place: Place,
  base: string,
  scheme: 'token' | 'Bearer',
  { token, signal, onWait, repeatMs = 1000 }: Asking,
) {
  let requests = 0
  const careful = carefulFetch(() => void requests++)

  async function once(what: string, path: string, etag: string | null): Promise<RestAnswer> {
    const limit = AbortSignal.timeout(2 * usualBound)
    const init = {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: {
        ...{ accept: 'application/json', 'user-agent': 'raibid-ci' },
        ...(token !== null && { authorization: `${scheme} ${token}` }),
        ...(etag && { 'if-none-match': etag }),
      },
    }
    const [response, text] = await careful(base + path, init)
      .then(async (got) => [got, await got.text()] as const)
      .catch((error: unknown) => {
        // an abort is the caller's own
        throw signal?.aborted ? error : unreachable(place, whyUnreachable(error, 2 * usualBound))
      })
    const { status, headers } = response
    if (awayCodes.includes(status)) throw unreachable(place, `it answers ${status}`)
    if (status === 304) return { status, headers, data: undefined }
    const data = parsed(text)
    if (status === 200 && data === undefined) throw unreachable(place, 'its answer is cut short, or no JSON')
    if (status === 200) return { status, headers, data }
    const moved = status >= 300 && status < 400 && `it has moved to ${headers.get('location') ?? 'elsewhere'}; give that address`
    const answer = { status, message: moved || messageIn(data), header: (name: string) => headers.get(name) }
    throw refused(place, token, what, answer, 'read')
  }

  async function again(what: string, path: string, etag: string | null): Promise<RestAnswer> {
    for (const pause of [repeatMs, 4 * repeatMs]) {
      try {
        return await once(what, path, etag)
      } catch (error) {
        const { status, name } = error as { status?: number; name: string }
        if (signal?.aborted || !(name === 'UnreachableError' || (status ?? 0) >= 500)) throw error
        await sleep(pause, undefined, { signal })
      }
    }
    return once(what, path, etag)
  }

  return {
    get: (what: string, path: string, etag: string | null = null) => patiently(() => again(what, path, etag), { signal, onWait }),
    requests: () => requests,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const messageIn = (data: unknown): string => {
  const { message, error } = (data ?? {}) as { message?: unknown; error?: unknown }
  return [message, error].find((text) => typeof text === 'string') ?? ''
}
