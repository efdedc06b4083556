import type { Forge } from '#lib/config.ts'
import { RefusedError } from './errors.ts'
import { githubApi } from './github-api.ts'
import { hookOf, repoOf, repoPath } from './shapes.ts'
import type { CallOptions, CommitStatus, Heads, Hook, HookWish, Repo, RepoName } from './types.ts'

/** The branches with their commits, and by what to ask for them again; `heads` null: nothing has changed since. */
export interface HeadsAnswer {
  heads: Heads | null
  etag: string | null
}

/** What is asked of GitHub. The same promises as lib/forge/gitea.ts. */
export function github(forge: Pick<Forge, 'url' | 'token'>, repeats?: number) {
  const ask = githubApi(forge, { repeats })
  /** As Octokit wants it; checked, for it becomes a path. */
  const named = (repo: RepoName) => {
    repoPath(repo)
    return { owner: repo.owner, repo: repo.name }
  }
  const config = ({ url, secret }: HookWish) => ({ url, secret, content_type: 'json', insecure_ssl: '0' })
  const full = ({ owner, name }: RepoName): string => `${owner}/${name}`

  return {
    user: (options: CallOptions = {}): Promise<string> =>
      ask('tell whose token it is', options, async (api, request) => (await api.users.getAuthenticated({ request })).data.login),

    repo: (repo: RepoName, options: CallOptions = {}): Promise<Repo> =>
      ask(`find ${full(repo)}`, options, async (api, request) => repoOf((await api.repos.get({ ...named(repo), request })).data)),

    /** Every branch with its commit. With the `etag` of the last answer it costs nothing of the quota while nothing has changed. */
    async heads(repo: RepoName, etag: string | null = null, options: CallOptions = {}): Promise<HeadsAnswer> {
      try {
        return await ask(`list the branches of ${full(repo)}`, options, async (api, request) => {
          const headers = etag ? { 'if-none-match': etag } : {}
          const answer = await api.git.listMatchingRefs({ ...named(repo), ref: 'heads/', headers, request })
          const heads = answer.data.map(({ ref, object }) => [ref.slice('refs/heads/'.length), object.sha] as const)
          return { heads: Object.fromEntries(heads), etag: answer.headers.etag ?? null }
        })
      } catch (error) {
        if (error instanceof RefusedError && error.status === 304) return { heads: null, etag }
        throw error
      }
    },

    hasCommit: (repo: RepoName, sha: string, options: CallOptions = {}): Promise<boolean> =>
      ask(`find commit ${sha}`, options, async (api, request) => {
        await api.git.getCommit({ ...named(repo), commit_sha: sha, request })
        return true
      }).catch((error: unknown) => {
        if (error instanceof RefusedError && [404, 422].includes(error.status)) return false
        throw error
      }),

    /** Says what became of a commit; the full id. */
    setStatus: (repo: RepoName, sha: string, status: CommitStatus, options: CallOptions = {}): Promise<void> =>
      ask(`set the status of ${full(repo)}@${sha.slice(0, 7)}`, options, async (api, request) => {
        const { targetUrl, ...rest } = status
        await api.repos.createCommitStatus({
          ...{ ...named(repo), sha, ...rest, request },
          ...(targetUrl && { target_url: targetUrl }),
        })
      }),

    /** What was last said of a commit, the newest first; at most a hundred. */
    statuses: (repo: RepoName, sha: string, options: CallOptions = {}) =>
      ask(`list the statuses of ${full(repo)}@${sha.slice(0, 7)}`, options, async (api, request) => {
        const { data } = await api.repos.listCommitStatusesForRef({ ...named(repo), ref: sha, per_page: 100, request })
        return data.map(({ state, context, description, target_url }) => ({
          ...{ state, context, description: description ?? '' },
          targetUrl: target_url ?? '',
        }))
      }),

    /** A repository may have twenty of them. */
    hooks: (repo: RepoName, options: CallOptions = {}): Promise<Hook[]> =>
      ask('list the webhooks', options, async (api, request) =>
        (await api.repos.listWebhooks({ ...named(repo), per_page: 100, request })).data.map(hookOf),
      ),

    createHook: (repo: RepoName, wish: HookWish, options: CallOptions = {}): Promise<Hook> =>
      ask('create a webhook', options, async (api, request) => {
        const body = { ...named(repo), config: config(wish), events: [...wish.events], active: true }
        return hookOf((await api.repos.createWebhook({ ...body, request })).data)
      }),

    updateHook: (repo: RepoName, id: number, wish: HookWish, options: CallOptions = {}): Promise<Hook> =>
      ask(`change webhook ${id}`, options, async (api, request) => {
        const body = { ...named(repo), hook_id: id, config: config(wish), events: [...wish.events], active: true }
        return hookOf((await api.repos.updateWebhook({ ...body, request })).data)
      }),

    deleteHook: (repo: RepoName, id: number, options: CallOptions = {}): Promise<void> =>
      ask(`delete webhook ${id}`, options, async (api, request) => {
        await api.repos.deleteWebhook({ ...named(repo), hook_id: id, request })
      }),

    /** Has it sent a push of the newest commit, signed; a ping where it doesn't listen to pushes. */
    testHook: (repo: RepoName, id: number, options: CallOptions = {}): Promise<void> =>
      ask(`test webhook ${id}`, options, async (api, request) => {
        await api.repos.testPushWebhook({ ...named(repo), hook_id: id, request })
      }),
  }
}

export type GitHub = ReturnType<typeof github>
