import { z } from 'zod/mini'
import { callerTo, type Call } from './call.ts'
import { RefusedError, type Place } from './errors.ts'
import { giteaHooks } from './gitea-hooks.ts'
import { repoOf, repoPath, repoShape, understood } from './shapes.ts'
import type { CallOptions, Repo, RepoName } from './types.ts'

const tokenShape = z.object({
  name: z.string(),
  scopes: z.nullish(z.array(z.string())),
  token_last_eight: z.nullish(z.string()),
})
const newTokenShape = z.object({ name: z.string(), sha1: z.string() })

const statusShape = z.object({
  id: z.number(),
  status: z.string(),
  context: z.string(),
  description: z.string(),
  target_url: z.string(),
})

export interface Login {
  user: string
  password: string
}

/** What an administrator of a Gitea may do, by name and password: tokens are made and taken away by nothing else. Errors as those of gitea(). */
export function giteaAdmin(url: string, { user, password }: Login, options: CallOptions = {}) {
  const place: Place = { title: 'Gitea', url }
  const secret = Buffer.from(`${user}:${password}`).toString('base64')
  const bare = callerTo(place, `${url}/api/v1`, () => secret, 'Basic')
  const call = (request: Call) => bare({ ...options, ...request })
  const ask = async <T>(shape: z.ZodMiniType<T>, request: Call): Promise<T> =>
    understood(place, request.what, shape, (await call(request)).body)
  /** What there is at most one page of. */
  const all = <T>(shape: z.ZodMiniType<T>, { path, ...request }: Call): Promise<T[]> =>
    ask(z.array(shape), { ...request, path: `${path}${path.includes('?') ? '&' : '?'}limit=50` })
  const name = encodeURIComponent
  const there = async (request: Call): Promise<boolean> => {
    try {
      await call(request)
      return true
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) return false
      throw error
    }
  }

  return {
    url,
    ...giteaHooks({ call, ask, all }),

    /** RefusedError (401) when the password isn't that one any more. */
    whoAmI: async (): Promise<string> => (await ask(z.object({ login: z.string() }), { path: '/user', what: 'log in' })).login,

    hasOrg: (org: string): Promise<boolean> => there({ path: `/orgs/${name(org)}`, what: `find ${org}` }),
    /** Who has no login doesn't see it. */
    async makeOrg(org: string): Promise<void> {
      const body = { username: org, visibility: 'private', repo_admin_change_team_access: false }
      await call({ method: 'POST', path: '/orgs', body, what: `make the organisation ${org}` })
    },

    async repo(repo: RepoName): Promise<Repo | null> {
      try {
        return repoOf(await ask(repoShape, { path: repoPath(repo), what: `find ${repo.owner}/${repo.name}` }))
      } catch (error) {
        if (error instanceof RefusedError && error.status === 404) return null
        throw error
      }
    },
    async makeRepo({ owner, name: repo }: RepoName, description: string): Promise<void> {
      const body = { name: repo, description, private: true, default_branch: 'main', auto_init: false }
      await call({ method: 'POST', path: `/orgs/${name(owner)}/repos`, body, what: `make the repository ${owner}/${repo}` })
    },

    /** What was said of a commit, the newest first. */
    async statuses(repo: RepoName, sha: string) {
      const path = `${repoPath(repo)}/statuses/${name(sha)}`
      const list = await all(statusShape, { path, what: `list the statuses of ${repo.owner}/${repo.name}@${sha.slice(0, 7)}` })
      return list.toSorted((a, b) => b.id - a.id)
    },

    hasUser: (login: string): Promise<boolean> => there({ path: `/users/${name(login)}`, what: `find the user ${login}` }),
    /** One that nobody logs in as: its password is known to nobody. */
    async makeUser(login: string, unknown: string): Promise<void> {
      const body = {
        ...{ username: login, email: `${login}@gitea.invalid`, password: unknown, must_change_password: false },
        ...{ visibility: 'private', restricted: true },
      }
      await call({ method: 'POST', path: '/admin/users', body, what: `make the user ${login}` })
    },
    mayWork: async (repo: RepoName, login: string): Promise<boolean> =>
      there({ path: `${repoPath(repo)}/collaborators/${name(login)}`, what: `see who works on ${repo.owner}/${repo.name}` }),
    async letWork(repo: RepoName, login: string, permission: 'read' | 'write'): Promise<void> {
      const path = `${repoPath(repo)}/collaborators/${name(login)}`
      await call({ method: 'PUT', path, body: { permission }, what: `let ${login} work on ${repo.owner}/${repo.name}` })
    },

    tokens: (login: string) => all(tokenShape, { path: `/users/${name(login)}/tokens`, what: `list the tokens of ${login}` }),
    /** Gives the token, which is never shown again. The name must be new. */
    async makeToken(login: string, title: string, scopes: readonly string[]): Promise<string> {
      const path = `/users/${name(login)}/tokens`
      const what = `make a token for ${login}`
      return (await ask(newTokenShape, { method: 'POST', path, body: { name: title, scopes }, what })).sha1
    },
    async dropToken(login: string, title: string): Promise<void> {
      const path = `/users/${name(login)}/tokens/${name(title)}`
      await there({ method: 'DELETE', path, what: `take away a token of ${login}` })
    },
  }
}

export type GiteaAdmin = ReturnType<typeof giteaAdmin>
