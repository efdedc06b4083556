import { z } from 'zod/mini'
import type { Forge } from '#lib/config.ts'
import { RaibidError } from '#lib/errors.ts'
import { callerTo, type Call } from './call.ts'
import { RefusedError, type Place } from './errors.ts'
import { giteaHooks } from './gitea-hooks.ts'
import { giteaMirrors } from './gitea-mirrors.ts'
import { repoOf, repoPath, repoShape, understood } from './shapes.ts'
import { statusStates, type CallOptions, type CommitStatus, type Heads, type RepoName } from './types.ts'

const branchShape = z.object({ name: z.string(), commit: z.object({ id: z.string() }) })
// in what it sends, a status's state is called `status`
const statusShape = z.object({
  id: z.number(),
  status: z.enum([...statusStates, 'warning', 'skipped']),
  context: z.string(),
  description: z.string(),
  target_url: z.string(),
})
const page = 50
const mostPages = 200

/** Gitea's API, as far as it is used. Every call is bounded, and fails as a RefusedError or an UnreachableError. */
export function gitea({ url, token }: Pick<Forge, 'url' | 'token'>) {
  const place: Place = { title: 'Gitea', url }
  const call = callerTo(place, `${url}/api/v1`, token)
  const ask = async <T>(shape: z.ZodMiniType<T>, request: Call): Promise<T> =>
    understood(place, request.what, shape, (await call(request)).body)

  /** All pages of a list (`key`: where its answer has it), or an error: a list cut short would be taken for the truth. */
  async function all<T>(shape: z.ZodMiniType<T>, { path, ...request }: Call, key?: string): Promise<T[]> {
    const items: T[] = []
    const list = key
      ? z.pipe(
          z.object({ [key]: z.array(shape) }),
          z.transform((found) => found[key]!),
        )
      : z.array(shape)
    const mark = path.includes('?') ? '&' : '?'
    for (let n = 1; n <= mostPages; n++) {
      const { body, headers } = await call({ ...request, path: `${path}${mark}page=${n}&limit=${page}` })
      const more = understood(place, request.what, list, body)
      items.push(...more)
      // a server may be set to give less than we ask for, so a short page is not the last
      if (more.length === 0 || items.length >= Number(headers.get('x-total-count') ?? Infinity)) return items
    }
    throw new RaibidError(`${place.title} at ${url} could not ${request.what}: there are more than ${mostPages * page}`)
  }

  return {
    version: async (options: CallOptions = {}): Promise<string> =>
      (await ask(z.object({ version: z.string() }), { path: '/version', what: 'tell its version', ...options })).version,

    /** Whose token it is. */
    user: async (options: CallOptions = {}): Promise<string> =>
      (await ask(z.object({ login: z.string() }), { path: '/user', what: 'tell whose token it is', ...options })).login,

    repo: async (repo: RepoName, options: CallOptions = {}) =>
      repoOf(await ask(repoShape, { path: repoPath(repo), what: `find ${repo.owner}/${repo.name}`, ...options })),

    /** The number stays when a repository is renamed or moved. */
    repoById: async (id: number, options: CallOptions = {}) =>
      repoOf(await ask(repoShape, { path: `/repositories/${Number(id)}`, what: `find repository ${id}`, ...options })),

    /** Every branch with its commit. */
    async heads(repo: RepoName, options: CallOptions = {}): Promise<Heads> {
      const what = `list the branches of ${repo.owner}/${repo.name}`
      const branches = await all(branchShape, { path: `${repoPath(repo)}/branches`, what, ...options })
      return Object.fromEntries(branches.map(({ name, commit }) => [name, commit.id]))
    },

    async hasCommit(repo: RepoName, sha: string, options: CallOptions = {}): Promise<boolean> {
      const path = `${repoPath(repo)}/git/commits/${encodeURIComponent(sha)}?stat=false&verification=false&files=false`
      try {
        return (await call({ path, what: `find commit ${sha}`, ...options })).status === 200
      } catch (error) {
        if (error instanceof RefusedError && error.status === 404) return false
        throw error
      }
    },

    /** Whether `after` has all that `before` had; false as well when Gitea has not one of them. */
    async isForward(repo: RepoName, before: string, after: string, options: CallOptions = {}): Promise<boolean> {
      const path = `${repoPath(repo)}/compare/${encodeURIComponent(after)}...${encodeURIComponent(before)}`
      try {
        return (
          (await ask(z.object({ total_commits: z.number() }), { path, what: 'compare commits', ...options })).total_commits === 0
        )
      } catch (error) {
        if (error instanceof RefusedError && error.status === 404) return false
        throw error
      }
    },

    /** Says what became of a commit; the full id. Gitea answers 500 for a commit that it has not. */
    async setStatus(repo: RepoName, sha: string, status: CommitStatus, options: CallOptions = {}): Promise<void> {
      const { state, context, description, targetUrl = '' } = status
      const what = `set the status of ${repo.owner}/${repo.name}@${sha.slice(0, 7)}`
      const body = { state, context, description, target_url: targetUrl }
      await call({ method: 'POST', path: `${repoPath(repo)}/statuses/${encodeURIComponent(sha)}`, body, what, ...options })
    },

    /** All that was ever said of a commit, the newest first. */
    async statuses(repo: RepoName, sha: string, options: CallOptions = {}) {
      const what = `list the statuses of ${repo.owner}/${repo.name}@${sha.slice(0, 7)}`
      const path = `${repoPath(repo)}/statuses/${encodeURIComponent(sha)}`
      const list = await all(statusShape, { path, what, ...options })
      // not by its `sort`: times are whole seconds, and `highestindex` gives the lowest first (1.27.3)
      return list
        .toSorted((a, b) => b.id - a.id)
        .map(({ status, context, description, target_url }) => ({
          ...{ state: status, context, description },
          targetUrl: target_url,
        }))
    },

    ...giteaHooks({ call, ask, all }),
    ...giteaMirrors({ call, ask, all }),
  }
}

export type Gitea = ReturnType<typeof gitea>
