/** What every question to a registry needs: a time limit, an error in words, and a token where it asks for one. */
import { RaibidError } from '#lib/errors.ts'

// An index first: its digest is the same for every processor.
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]
const limitMs = 15_000

/** fetch, bounded in time; RaibidError when the host can't be reached. */
export async function call(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
  const limit = AbortSignal.timeout(limitMs)
  try {
    return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit })
  } catch (error) {
    if (signal?.aborted) throw error
    const cause = (error as { cause?: { code?: string } }).cause?.code
    throw new RaibidError(`${new URL(url).host} can't be reached${cause ? ` (${cause})` : ''}`)
  }
}

/** A token, from where the challenge says (`Bearer realm="…",service="…",scope="…"`); anonymous without a login (`Basic …`). */
export async function tokenFor(challenge: string, signal: AbortSignal | undefined, login?: string): Promise<string> {
  const { realm, ...query } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
  )
  if (!/^Bearer /i.test(challenge) || !realm) throw new RaibidError('it wants a login')
  const headers = login ? { authorization: login } : {}
  const answer = await call(`${realm}?${new URLSearchParams(query).toString()}`, { headers, redirect: 'error' }, signal)
  if (!answer.ok) throw new RaibidError(`${new URL(realm).host} answers ${answer.status} instead of a token`)
  const { token, access_token: other } = (await answer.json()) as { token?: string; access_token?: string }
  if (!token && !other) throw new RaibidError(`${new URL(realm).host} gives no token`)
  return token ?? other!
}

/** The bytes of an answer. RaibidError when they are more than `most`: a manifest or a release's text is small. */
export async function bytesOf(answer: Response, most = 32 * 2 ** 20): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of answer.body ?? []) {
    size += piece.length
    // whoever leaves the loop ends the download
    if (size > most) throw new RaibidError(`it is larger than ${most / 2 ** 20} MiB`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
