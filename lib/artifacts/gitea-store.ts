/** Artifacts in the generic packages of a Gitea: package `raibid-artifacts`, version `<job>.<attempt>`, files named by their number. */
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import type { GitCredential } from '#lib/git-credentials.ts'
import { isUlid } from '#lib/ulid.ts'
import { manifestFile, manifestText, readManifest } from './manifest.ts'
import type { OpenStore, Place } from './store.ts'
import { takeFiles } from './take.ts'

const packageName = 'raibid-artifacts'
const quickMs = 30_000
/** Of a manifest: a thousand paths of a thousand bytes. */
const maxManifest = 8 * 2 ** 20
const maxPages = 200

/** `address`: `https://<host>/<owner>`; its token is that of the git credentials for this host. */
export function giteaStore(address: string, credentials: readonly GitCredential[]): OpenStore {
  const url = new URL(address)
  const owner = url.pathname.split('/').filter(Boolean).at(-1) ?? ''
  const base = address.replace(/\/+$/, '').slice(0, -owner.length)
  const login = credentials.find(({ host }) => host === url.host)
  const authorization = login && `Basic ${Buffer.from(`${login.user}:${login.token}`).toString('base64')}`

  const ask = (method: string, { job, attempt }: Place, file: string, init: RequestInit = {}): Promise<Response> => {
    if (!isUlid(job)) throw new RaibidError(`${JSON.stringify(job.slice(0, 40))} is not the id of a job`)
    const path = `api/packages/${encodeURIComponent(owner)}/generic/${packageName}/${job}.${attempt}${file && `/${file}`}`
    return send(method, path, init)
  }
  async function send(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const signal = init.signal ?? AbortSignal.timeout(quickMs)
    try {
      // what is kept may lie elsewhere, and fetch takes no login along to another host; nothing that is sent may go there
      const redirect = method === 'GET' ? ('follow' as const) : ('manual' as const)
      const more = { method, signal, redirect, headers: authorization ? { authorization } : {} }
      return await fetch(`${base}${path}`, { ...init, ...more })
    } catch (error) {
      if (init.signal?.aborted) throw error
      const { code } = ((error as Error).cause ?? {}) as { code?: string }
      throw new UnreachableError(
        `Gitea's packages at ${address} can't be reached${code ? ` (${code})` : ''}: is the address right, and does it run?`,
      )
    }
  }
  const refusal = (answer: Response, what: string): RaibidError => {
    const why = { 401: 'it wants a login', 403: 'the login may not do that', 413: 'that is too large for it' }[answer.status]
    return new RaibidError(`Gitea at ${address} answers ${answer.status} to ${what}${why ? `: ${why}` : ''}`)
  }
  async function forget(place: Place): Promise<boolean> {
    const answer = await ask('DELETE', place, '')
    if (answer.ok || answer.status === 404) return answer.ok
    throw refusal(answer, 'the removal of artifacts')
  }

  return {
    where: address,
    async put(place, workspace, paths, { signal, leftOut }) {
      // what a lost reply left of the same attempt can't be written again
      await forget(place)
      const upload = async (name: string, body: RequestInit['body']): Promise<void> => {
        const answer = await ask('PUT', place, name, { body, signal, duplex: 'half' } as RequestInit)
        if (!answer.ok) throw refusal(answer, 'an artifact')
      }
      try {
        const kept = await takeFiles(workspace, paths, { signal, leftOut }, (file, index) =>
          upload(String(index), Readable.toWeb(Readable.from(file, { objectMode: false })) as unknown as RequestInit['body']),
        )
        // last: what has no manifest is not there
        if (kept.length) await upload(manifestFile, manifestText(kept))
        return kept
      } catch (error) {
        await forget(place).catch(() => {})
        throw error
      }
    },
    async list(place) {
      const answer = await ask('GET', place, manifestFile)
      if (answer.status === 404) return null
      if (!answer.ok) throw refusal(answer, 'a list of artifacts')
      let text = ''
      for await (const piece of Readable.fromWeb(answer.body as ReadableStream).setEncoding('utf8'))
        if ((text += piece).length > maxManifest) throw new RaibidError(`the list of artifacts at ${address} is too long`)
      return readManifest(text)
    },
    async open(place, index) {
      const answer = await ask('GET', place, String(index), { signal: AbortSignal.timeout(3_600_000) })
      if (!answer.ok || !answer.body) throw refusal(answer, 'an artifact')
      return Readable.fromWeb(answer.body as ReadableStream)
    },
    async remove(place) {
      await forget(place)
    },
    async *places() {
      for (let page = 1; page <= maxPages; page++) {
        const query = new URLSearchParams({ type: 'generic', q: packageName, limit: '50', page: String(page) })
        const answer = await send('GET', `api/v1/packages/${encodeURIComponent(owner)}?${query.toString()}`)
        if (!answer.ok) throw refusal(answer, 'a list of packages')
        const found = (await answer.json()) as { name?: unknown; version?: unknown }[]
        if (!Array.isArray(found) || found.length === 0) return
        for (const { name, version } of found) {
          const [, job, attempt] = /^([0-9A-Z]{26})\.(\d{1,9})$/.exec(String(version)) ?? []
          if (name === packageName && job && isUlid(job)) yield { job, attempt: Number(attempt) }
        }
      }
    },
  }
}
