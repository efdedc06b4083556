/** GitHub's lists of repositories, by Octokit. */
import { z } from 'zod/mini'
import { unreachable } from '../call.ts'
import { RefusedError, refused, type Place } from '../errors.ts'
import { githubApi } from '../github-api.ts'
import { carefulFetch } from './careful-fetch.ts'
import type { Asking, Lister } from './lister.ts'
import { etagOf } from './page-answer.ts'
import { patiently } from './patience.ts'
import { cloneUrlOf, descriptionOf, idShape, maybe, textShape, timeOf, topicsOf } from './shape.ts'
import { tokenScopes } from './token-scopes.ts'
import type { ListedRepo } from './types.ts'
import type { PageAnswer } from './walk.ts'

const page = 100

const repoShape = z.object({
  ...{ id: idShape, name: textShape, owner: z.object({ login: textShape }), clone_url: maybe },
  ...{ private: z.boolean(), fork: z.boolean(), archived: z.nullish(z.boolean()), description: maybe },
  ...{ topics: z.nullish(z.array(z.string())), language: maybe, default_branch: maybe },
  ...{ size: z.nullish(z.number()), pushed_at: maybe },
})

const paths: Record<string, (name: string) => string> = {
  org: (name) => `/orgs/${name}/repos?type=all`,
  user: (name) => `/users/${name}/repos?type=owner`,
  // only here does GitHub show one's own private ones
  self: () => '/user/repos?affiliation=owner&visibility=all',
}

/** `url`: as a browser has it. */
export function githubLister(url: string, { token, signal, onWait, repeatMs }: Asking): Lister {
  const place: Place = { title: 'GitHub', url }
  let requests = 0
  let scopes: string | null = null
  const call = githubApi({ url, token: () => token }, { fetch: carefulFetch(() => void requests++), may: 'read', repeatMs })

  interface Answer {
    status: number
    headers: Record<string, string | number | undefined>
    data: unknown
  }

  /** A page that is still what it was is no failure. */
  function get(what: string, path: string, etag: string | null = null): Promise<Answer> {
    const once = () =>
      call(what, { signal }, (api, request) =>
        api.request(`GET ${path}`, { request, headers: etag ? { 'if-none-match': etag } : {} }).catch((error: unknown) => {
          const { status, response } = error as { status?: number; response?: Answer }
          if (status === 304 && response) return response
          throw error
        }),
      ) as Promise<Answer>
    return patiently(once, { signal, onWait }).then((answer) => {
      const { status, headers, data } = answer
      scopes ??= headers['x-oauth-scopes']?.toString() ?? null
      const moved = `it has moved to ${headers['location'] ?? 'elsewhere'}; give that address`
      if (status >= 300 && status !== 304)
        throw refused(place, token, what, { status, message: moved, header: () => null }, 'read')
      if (status === 200 && typeof data === 'string') throw unreachable(place, 'its answer is cut short, or no JSON')
      return answer
    })
  }

  const repoOf = (data: unknown): ListedRepo => {
    const { success, data: repo } = z.safeParse(repoShape, data)
    if (!success) throw unreachable(place, 'its answer is not what GitHub sends')
    const { id, name, clone_url, description, topics, language, default_branch, size, pushed_at } = repo
    const owner = repo.owner.login
    return {
      ...{ forge: 'github', forgeUrl: url, id: String(id), owner, name },
      cloneUrl: cloneUrlOf(clone_url, `${url}/${owner}/${name}`),
      ...{ private: repo.private, fork: repo.fork, archived: repo.archived ?? false, empty: null },
      ...{ description: descriptionOf(description), topics: topicsOf(topics), language: language ?? null },
      defaultBranch: default_branch ?? null,
      bytes: typeof size === 'number' ? size * 1024 : null,
      pushedAt: timeOf(pushed_at),
    }
  }

  async function ask(path: string, etag: string | null, what: string): Promise<PageAnswer> {
    const { status, headers, data } = await get(what, path, etag)
    const on = path.replace(/&page=(\d+)$/, (_, n: string) => `&page=${Number(n) + 1}`)
    const more = /rel="next"/.test(String(headers['link'] ?? ''))
    if (status === 304) return { same: true, next: more ? on : undefined }
    if (!Array.isArray(data)) throw unreachable(place, 'its answer is not what GitHub sends')
    const repos = data.map(repoOf)
    // what comes behind a last page that is full would not change that page
    return { same: false, next: more || data.length >= page ? on : null, etag: etagOf(headers['etag']), repos, total: null }
  }

  const one = (path: string, what: string): Promise<ListedRepo | null> =>
    get(what, path).then(
      ({ data }) => repoOf(data),
      (error: unknown) => {
        if (error instanceof RefusedError && error.status === 404) return null
        throw error
      },
    )

  return {
    place,
    ...{ kinds: ['org', 'user'], called: 'organisation or user', anonymous: token === null },
    async kindOf(kind, name) {
      if (kind !== 'user' || token === null) return kind
      // a token that is nobody's own (an app's) is refused here
      const me = await get('tell whose token it is', '/user').catch((error: unknown) => {
        if (error instanceof RefusedError && error.status === 403) return null
        throw error
      })
      const { login } = (me?.data ?? {}) as { login?: unknown }
      return typeof login === 'string' && login.toLowerCase() === name.toLowerCase() ? 'self' : kind
    },
    first: (kind, name) => `${(paths[kind] ?? paths['org']!)(name)}&sort=pushed&direction=desc&per_page=${page}&page=1`,
    ask: (path, etag, name) => ask(path, etag, `list the repositories of ${name}`),
    one: (path) => one(`/repos/${path}`, `find ${path}`),
    byId: (id) => one(`/repositories/${id}`, `find repository ${id}`),
    requests: () => requests,
    warnings: () => [tokenScopes(url, scopes)].filter((text) => text !== null),
  }
}
