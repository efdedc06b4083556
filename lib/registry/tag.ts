/** Gives an image that a registry holds further tags: its manifest is written again, byte by byte, under each of them. */
import { createHash } from 'node:crypto'
import { RaibidError } from '#lib/errors.ts'
import type { GitCredential } from '#lib/git-credentials.ts'
import { call, manifestTypes, tokenFor } from './http.ts'
import type { Registry } from './name.ts'

const maxManifest = 4 * 2 ** 20

export interface Tagging {
  registry: Registry
  /** `<owner>/<repository>`. */
  repository: string
  digest: string
  tags: readonly string[]
}

/** RaibidError, with the registry's name, when it refuses. */
export async function tagImage(
  { registry, repository, digest, tags }: Tagging,
  credentials: readonly GitCredential[],
  signal?: AbortSignal,
): Promise<void> {
  const login = credentials.find(({ host }) => host === registry.host)
  const basic = login && `Basic ${Buffer.from(`${login.user}:${login.token}`).toString('base64')}`
  const base = `${registry.insecure ? 'http' : 'https'}://${registry.host}/v2/${repository}/manifests/`
  let authorization: string | undefined

  async function ask(reference: string, init: RequestInit): Promise<Response> {
    const send = (): Promise<Response> =>
      call(`${base}${reference}`, { ...init, headers: { ...init.headers, ...(authorization && { authorization }) } }, signal)
    let answer = await send()
    const challenge = answer.headers.get('www-authenticate') ?? ''
    if (answer.status === 401 && (basic || /^Bearer /i.test(challenge))) {
      // the right to read is one token, the right to write another
      const trusted = challengeIsOurs(challenge, registry) ? basic : undefined
      authorization = /^Basic/i.test(challenge) ? basic : `Bearer ${await tokenFor(challenge, signal, trusted)}`
      answer = await send()
    }
    if (!answer.ok) throw new RaibidError(`the registry ${registry.host} answers ${answer.status} for ${repository}:${reference}`)
    return answer
  }

  const answer = await ask(digest, { headers: { accept: manifestTypes.join(', ') } })
  const bytes = await answer.bytes()
  if (bytes.length > maxManifest || `sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest)
    throw new RaibidError(`the registry ${registry.host} gives something else than ${digest} for ${repository}`)
  const type = answer.headers.get('content-type') ?? manifestTypes[2]!
  for (const tag of tags) await ask(tag, { method: 'PUT', body: bytes, headers: { 'content-type': type } })
}

/** The login goes to the registry's own host only, whatever it names as the place of its tokens. */
function challengeIsOurs(challenge: string, { host }: Registry): boolean {
  const realm = /realm="([^"]*)"/.exec(challenge)?.[1] ?? ''
  return URL.canParse(realm) && new URL(realm).hostname === host.replace(/:\d+$/, '')
}
