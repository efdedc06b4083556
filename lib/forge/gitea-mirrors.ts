import { z } from 'zod/mini'
import { RefusedError } from './errors.ts'
import type { Api } from './gitea-hooks.ts'
import { giteaRepoOf, giteaRepoShape as shape, goSeconds, type GiteaRepo } from './gitea-repo.ts'
import { ownerPath, repoPath } from './shapes.ts'
import type { CallOptions, RepoName } from './types.ts'

export interface MigrateWish extends RepoName {
  /** By http, https or git, without credentials. */
  source: string
  private: boolean
  description: string
  wiki: boolean
  lfs: boolean
  /** 0: never by itself. */
  intervalMs: number
  /** What its source asks for; stored by Gitea in the clear, in the mirror's own configuration. */
  credentials: { user: string; token: string } | null
}

/** What may be changed of a mirror; not where it is cloned from. */
export interface MirrorChange {
  name?: string
  private?: boolean
  description?: string
  defaultBranch?: string
  intervalMs?: number
  credentials?: { user: string; token: string }
}

export type OwnerKind = 'organisation' | 'user'

/** Gitea's mirrors and what they live in. Every change may be repeated. */
export function giteaMirrors({ call, ask, all }: Api) {
  const named = ({ owner, name }: RepoName): string => `${owner}/${name}`
  const none = (error: unknown): null => {
    if (error instanceof RefusedError && error.status === 404) return null
    throw error
  }
  async function owner(name: string, options: CallOptions = {}): Promise<{ id: number; kind: OwnerKind } | null> {
    const found = await ask(z.object({ id: z.number() }), {
      ...{ path: `/users/${ownerPath(name)}`, what: `find the owner ${name}`, ...options },
    }).catch(none)
    if (!found) return null
    const org = await call({ path: `/orgs/${ownerPath(name)}`, what: `find the organisation ${name}`, ...options }).catch(none)
    return { id: found.id, kind: org ? 'organisation' : 'user' }
  }
  return {
    /** An organisation or user; null: there is none of this name. */
    owner,

    async createOrganisation(name: string, visibility: 'public' | 'private', options: CallOptions = {}): Promise<void> {
      const what = `create the organisation ${name}`
      await call({ method: 'POST', path: '/orgs', body: { username: name, visibility }, what, ...options })
    },

    /** Everything that an owner has, mirror or not. */
    async ownedBy(ownerId: number, options: CallOptions = {}): Promise<GiteaRepo[]> {
      const path = `/repos/search?uid=${Number(ownerId)}&exclusive=true&sort=id&order=asc`
      return (await all(shape, { path, what: 'list the repositories of an owner', ...options }, 'data')).map(giteaRepoOf)
    },

    /** Every mirror that our token may see. */
    async mirrors(options: CallOptions = {}): Promise<GiteaRepo[]> {
      const path = '/repos/search?mode=mirror&sort=id&order=asc'
      return (await all(shape, { path, what: 'list the mirrors', ...options }, 'data')).map(giteaRepoOf)
    },

    /** null: there is none of this name, or only one that was called so before. */
    async found(repo: RepoName, options: CallOptions = {}): Promise<GiteaRepo | null> {
      const got = await ask(shape, { path: repoPath(repo), what: `find ${named(repo)}`, ...options }).catch((error: unknown) =>
        error instanceof RefusedError && error.status === 301 ? null : none(error),
      )
      return got && giteaRepoOf(got)
    },

    /**
     * Clones a source as a mirror: all of it, before it answers. RefusedError 409 when the name is taken, 500 for an interval that is less than Gitea's least
     * (1.27.3 says so after the clone); what a failure leaves is for the caller to delete.
     */
    async migrate(wish: MigrateWish, options: CallOptions = {}): Promise<GiteaRepo> {
      const { credentials } = wish
      const body = {
        ...{ clone_addr: wish.source, repo_owner: wish.owner, repo_name: wish.name, service: 'git', mirror: true },
        ...{ private: wish.private, description: wish.description, wiki: wish.wiki, lfs: wish.lfs },
        // at once: a change later is lost when Gitea, which syncs new mirrors soon, is just at it (1.27.3)
        mirror_interval: goSeconds(wish.intervalMs),
        ...(credentials && { auth_username: credentials.user, auth_password: credentials.token }),
      }
      const what = `mirror ${wish.source} as ${named(wish)}`
      const secret = credentials?.token
      return giteaRepoOf(await ask(shape, { method: 'POST', path: '/repos/migrate', body, what, secret, ...options }))
    },

    /** The mirror as it is then: Gitea leaves out, without a word, a default branch that it hasn't got. */
    async changeMirror(repo: RepoName, change: MirrorChange, options: CallOptions = {}): Promise<GiteaRepo> {
      const { intervalMs, defaultBranch, credentials, ...same } = change
      const body = {
        ...same,
        ...(defaultBranch !== undefined && { default_branch: defaultBranch }),
        ...(intervalMs !== undefined && { mirror_interval: goSeconds(intervalMs) }),
        ...(credentials && { mirror_username: credentials.user, mirror_password: credentials.token }),
      }
      const request = {
        method: 'PATCH',
        path: repoPath(repo),
        body,
        what: `change ${named(repo)}`,
        secret: credentials?.token,
      } as const
      return giteaRepoOf(await ask(shape, { ...request, ...options }))
    },

    /** These and no others; each at most 35 of a-z, 0-9, "-" and ".". */
    async setTopics(repo: RepoName, topics: readonly string[], options: CallOptions = {}): Promise<void> {
      const what = `set the topics of ${named(repo)}`
      await call({ method: 'PUT', path: `${repoPath(repo)}/topics`, body: { topics }, what, ...options })
    },

    async transferTo(repo: RepoName, newOwner: string, options: CallOptions = {}): Promise<void> {
      const request = { method: 'POST', path: `${repoPath(repo)}/transfer`, body: { new_owner: newOwner } } as const
      await call({ ...request, what: `give ${named(repo)} to ${newOwner}`, ...options })
    },

    async deleteRepo(repo: RepoName, options: CallOptions = {}): Promise<void> {
      await call({ method: 'DELETE', path: repoPath(repo), what: `delete ${named(repo)}`, ...options })
    },

    /**
     * Of a mirror whose first clone has not ended: whether Gitea is still at it. Nothing in its answers says so but this: what reads the
     * repository's folder fails once git has given up and removed it (1.27.3). In the first moments there is none yet either.
     */
    async isCloning(repo: RepoName, options: CallOptions = {}): Promise<boolean> {
      const what = `look whether ${named(repo)} is being cloned`
      return call({ path: `${repoPath(repo)}/tags?limit=1`, what, ...options }).then(
        () => true,
        (error: unknown) => {
          if (error instanceof RefusedError && error.status === 500) return false
          throw error
        },
      )
    },

    /** Asks a mirror to look at its source; the answer means that it will. */
    async mirrorSync(repo: RepoName, options: CallOptions = {}): Promise<void> {
      const what = `synchronise the mirror ${named(repo)}`
      await call({ method: 'POST', path: `${repoPath(repo)}/mirror-sync`, what, ...options })
    },
  }
}
