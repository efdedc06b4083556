/** Gitea's lists of repositories: of an organisation or a user. */
import { z } from 'zod/mini'
import { unreachable } from '../call.ts'
import { RefusedError, type Place } from '../errors.ts'
import type { Asking, Lister } from './lister.ts'
import { pageAnswer } from './page-answer.ts'
import { restReader } from './rest.ts'
import { cloneUrlOf, descriptionOf, idShape, maybe, textShape, topicsOf } from './shape.ts'
import type { ListedRepo } from './types.ts'

const repoShape = z.object({
  ...{ id: idShape, name: textShape, owner: z.object({ login: textShape }), clone_url: maybe },
  ...{ private: z.boolean(), fork: z.nullish(z.boolean()), archived: z.nullish(z.boolean()), empty: z.nullish(z.boolean()) },
  ...{ description: maybe, topics: z.nullish(z.array(z.string())), language: maybe, default_branch: maybe },
  ...{ size: z.nullish(z.number()), internal: z.nullish(z.boolean()) },
})

/** `url`: as a browser has it. When something was last pushed is not in Gitea's lists. */
export function giteaLister(url: string, asking: Asking): Lister {
  const place: Place = { title: 'Gitea', url }
  const rest = restReader(place, `${url}/api/v1`, 'token', asking)

  function repoOf(data: unknown): ListedRepo {
    const { success, data: repo } = z.safeParse(repoShape, data)
    if (!success) throw unreachable(place, 'its answer is not what Gitea sends')
    const { id, name, size, language } = repo
    const owner = repo.owner.login
    return {
      ...{ forge: 'gitea', forgeUrl: url, id: String(id), owner, name },
      cloneUrl: cloneUrlOf(repo.clone_url, `${url}/${owner}/${name}`),
      // what only those see who have signed in is not everybody's
      ...{ private: repo.private || (repo.internal ?? false), fork: repo.fork ?? false, archived: repo.archived ?? false },
      ...{ empty: repo.empty ?? null, description: descriptionOf(repo.description), topics: topicsOf(repo.topics) },
      ...{ language: language || null, defaultBranch: repo.default_branch || null },
      bytes: typeof size === 'number' ? size * 1024 : null,
      pushedAt: null,
    }
  }

  function reposOf(data: unknown): ListedRepo[] {
    if (!Array.isArray(data)) throw unreachable(place, 'its answer is not what Gitea sends')
    return data.map(repoOf)
  }

  const one = (path: string, what: string): Promise<ListedRepo | null> =>
    rest.get(what, path).then(
      ({ data }) => repoOf(data),
      (error: unknown) => {
        if (error instanceof RefusedError && error.status === 404) return null
        throw error
      },
    )

  return {
    place,
    ...{ kinds: ['org', 'user'], called: 'organisation or user', anonymous: asking.token === null },
    kindOf: (kind) => Promise.resolve(kind),
    first: (kind, name) => `/${kind === 'org' ? 'orgs' : 'users'}/${name}/repos?limit=50&page=1`,
    async ask(path, etag, name) {
      const answer = await rest.get(`list the repositories of ${name}`, path, etag)
      return pageAnswer(answer, path, () => reposOf(answer.data), 'x-total-count')
    },
    one: (path) => one(`/repos/${path}`, `find ${path}`),
    byId: (id) => one(`/repositories/${id}`, `find repository ${id}`),
    requests: rest.requests,
    warnings: () => [],
  }
}
