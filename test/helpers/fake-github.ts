import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { json, startFakeForge, type FakeForge, type SeenCall } from './fake-forge.ts'

export interface HubRepo {
  id: number
  name: string
  owner: string
  pushed: number
  [more: string]: unknown
}

export interface FakeGitHub extends FakeForge {
  /** Newest push first, as it lists them. */
  repos: HubRepo[]
  /** The accounts there are; a user's lists differ by who asks. */
  accounts: Map<string, 'org' | 'user'>
  tokens: Map<string, { login: string; scopes?: string }>
  /** Called before each answer; true: it has answered itself. */
  before: ((call: SeenCall, response: ServerResponse) => boolean) | null
  add: (owner: string, name: string, own?: Partial<HubRepo>) => HubRepo
  /** As a push does: it stands first from now on. */
  push: (repo: HubRepo) => void
  /** How many answers of each status were given. */
  answered: Record<number, number>
  /** Paths that were asked for, without what is in front and the token. */
  asked: () => string[]
}

/**
 * GitHub's REST API as far as lists go, under `/api/v3`: Link headers, weak ETags for each token, 304, 401, 404. It remembers what it was asked.
 * Whatever else GitHub may say (rate limits, redirects, broken answers) a test says by `before`.
 */
export async function startFakeGitHub(): Promise<FakeGitHub> {
  let nextId = 1
  let clock = Date.UTC(2026, 0, 1)
  const hub: FakeGitHub = Object.assign(await startFakeForge(), {
    ...{ repos: [], accounts: new Map(), tokens: new Map(), before: null, answered: {} },
    add: (owner: string, name: string, own: Partial<HubRepo> = {}): HubRepo => {
      const repo: HubRepo = { id: nextId++, owner, name, pushed: (clock += 1000), ...own }
      hub.repos.unshift(repo)
      return repo
    },
    push: (repo: HubRepo): void => {
      repo.pushed = clock += 1000
    },
    asked: () => hub.calls.map(({ path }) => path.replace('/api/v3', '')),
  } satisfies Partial<FakeGitHub>)

  hub.intercept = (call, response) => {
    response.on('finish', () => (hub.answered[response.statusCode] = (hub.answered[response.statusCode] ?? 0) + 1))
    if (hub.before?.(call, response)) return true
    const secret = call.headers.authorization?.replace(/^token /, '')
    const who = secret ? hub.tokens.get(secret) : null
    if (who === undefined) return (json(response, 401, { message: 'Bad credentials' }), true)
    const headers: Record<string, string> = who?.scopes === undefined ? {} : { 'x-oauth-scopes': who.scopes }
    const url = new URL(call.path, hub.url)
    const path = url.pathname.replace(/^\/api\/v3/, '')
    const body = listOf(path, who?.login ?? null)
    if (body === null) return (json(response, 404, { message: 'Not Found' }, headers), true)
    if (!Array.isArray(body)) return (json(response, 200, body, headers), true)
    const [perPage, page] = [Number(url.searchParams.get('per_page') ?? 30), Number(url.searchParams.get('page') ?? 1)]
    const shown = body.slice((page - 1) * perPage, page * perPage).map((repo) => shape(repo))
    const etag = `W/"${createHash('sha1')
      .update(JSON.stringify([secret, shown]))
      .digest('hex')}"`
    const next = new URL(url)
    next.searchParams.set('page', String(page + 1))
    const link: Record<string, string> = page * perPage < body.length ? { link: `<${next.href}>; rel="next"` } : {}
    if (call.headers['if-none-match'] === etag) return (response.writeHead(304, { ...headers, etag }).end(), true)
    return (json(response, 200, shown, { ...headers, etag, ...link }), true)
  }

  function listOf(path: string, login: string | null): HubRepo[] | object | null {
    const listed = hub.repos.toSorted((a, b) => b.pushed - a.pushed)
    const [, kind = '', name = ''] = /^\/(orgs|users)\/([^/]+)\/repos$/.exec(path) ?? []
    if (kind) {
      if (hub.accounts.get(name) !== (kind === 'orgs' ? 'org' : 'user')) return null
      return listed.filter(({ owner, private: hidden }) => owner === name && (!hidden || (kind === 'orgs' && login !== null)))
    }
    if (path === '/user') return { login }
    if (path === '/user/repos') return listed.filter(({ owner }) => owner === login)
    const [, id] = /^\/repositories\/(\d+)$/.exec(path) ?? []
    const [, full] = /^\/repos\/(.+)$/.exec(path) ?? []
    const one = listed.find((repo) => (id ? repo.id === Number(id) : `${repo.owner}/${repo.name}` === full))
    return one ? shape(one) : null
  }

  const shape = ({ id, name, owner, pushed, ...more }: HubRepo): object => ({
    ...{ id, name, owner: { login: owner }, clone_url: `${hub.url}/${owner}/${name}.git`, private: false, fork: false },
    ...{ archived: false, description: null, topics: [], language: null, default_branch: 'main', size: 10 },
    pushed_at: new Date(pushed).toISOString(),
    ...more,
  })

  return hub
}
