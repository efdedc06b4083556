import { createHash } from 'node:crypto'
import { RaibidError } from '#lib/errors.ts'
import { bytesOf, call, manifestTypes, tokenFor } from '#lib/registry/http.ts'
import { mustLookRight } from './release-shape.ts'

/** Where a registry or a site is really asked, by its host: a mirror nearer by, or a test's stand-in. */
export type Mirrors = Readonly<Record<string, string>>

export interface ImageName {
  host: string
  repository: string
  reference: string
}

/** The parts of `host/repository:tag`; an error for a name that docker would have to guess at. */
export function parseImage(name: string): ImageName {
  const [, host, repository, reference] = /^([^/]+[.:][^/]+)\/(.+):([^:/]+)$/.exec(name) ?? []
  if (!host || !repository || !reference) throw new RaibidError(`${name} is not a whole name such as docker.io/library/redis:8`)
  return { host, repository, reference }
}

/** The digest that a registry has for an image, by the HTTP API (distribution-spec): HEAD, with a token where it asks for one. */
export async function digestOf(name: string, mirrors: Mirrors, signal?: AbortSignal): Promise<string> {
  const { host, repository, reference } = parseImage(name)
  // Docker Hub's name is not its address.
  const base = mirrors[host] ?? `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}`
  const url = `${base}/v2/${repository}/manifests/${reference}`
  const ask = async (method: 'HEAD' | 'GET', token?: string): Promise<Response> =>
    call(
      url,
      { method, headers: { accept: manifestTypes.join(', '), ...(token && { authorization: `Bearer ${token}` }) } },
      signal,
    )
  let answer = await ask('HEAD')
  let token: string | undefined
  if (answer.status === 401) {
    token = await tokenFor(answer.headers.get('www-authenticate') ?? '', signal)
    answer = await ask('HEAD', token)
  }
  if (!answer.ok) throw new RaibidError(`${base} answers ${answer.status} for it`)
  const told = answer.headers.get('docker-content-digest')
  if (told && /^sha256:[0-9a-f]{64}$/.test(told)) return told
  // A registry that doesn't say: the digest is that of the bytes.
  const whole = await ask('GET', token)
  if (!whole.ok) throw new RaibidError(`${base} answers ${whole.status} for it`)
  return sha256(await bytesOf(whole))
}

/** The checksum of what is at an address. RaibidError when that can't be what it should be. */
export async function checksumOf(address: string, mirrors: Mirrors, signal?: AbortSignal): Promise<string> {
  const { origin, host } = new URL(address)
  const answer = await call(address.replace(origin, mirrors[host] ?? origin), {}, signal)
  if (!answer.ok) throw new RaibidError(`${host} answers ${answer.status} for it`)
  const bytes = await bytesOf(answer)
  mustLookRight(address, bytes)
  return sha256(bytes)
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
