/** GitLab's lists of projects: of a group with all that is below it, or of a user. */
import { z } from 'zod/mini'
import { unreachable } from '../call.ts'
import { RefusedError, type Place } from '../errors.ts'
import type { Asking, Lister } from './lister.ts'
import { pageAnswer } from './page-answer.ts'
import { restReader } from './rest.ts'
import { cloneUrlOf, descriptionOf, idShape, maybe, textShape, topicsOf } from './shape.ts'
import type { ListedRepo } from './types.ts'

const projectShape = z.object({
  ...{ id: idShape, path: textShape, path_with_namespace: textShape, http_url_to_repo: maybe },
  ...{ visibility: z.nullish(z.enum(['private', 'internal', 'public'])), forked_from_project: z.nullish(z.unknown()) },
  ...{ archived: z.nullish(z.boolean()), empty_repo: z.nullish(z.boolean()), description: maybe },
  ...{ topics: z.nullish(z.array(z.string())), default_branch: maybe, marked_for_deletion_on: maybe },
  statistics: z.nullish(z.object({ repository_size: z.nullish(z.number()) })),
})

/** `url`: as a browser has it. A project's language and its last push are not in GitLab's lists. */
export function gitlabLister(url: string, asking: Asking): Lister {
  const place: Place = { title: 'GitLab', url }
  const rest = restReader(place, `${url}/api/v4`, 'Bearer', asking)
  let silent = false

  function repoOf(data: unknown): ListedRepo | null {
    const { success, data: project } = z.safeParse(projectShape, data)
    if (!success) throw unreachable(place, 'its answer is not what GitLab sends')
    // one that is about to be deleted is still listed, under another name
    if (project.marked_for_deletion_on) return null
    silent ||= project.archived === undefined
    const { id, path, path_with_namespace: full, visibility, forked_from_project: origin, default_branch: branch } = project
    return {
      ...{ forge: 'gitlab', forgeUrl: url, id: String(id), owner: full.split('/').slice(0, -1).join('/'), name: path },
      cloneUrl: cloneUrlOf(project.http_url_to_repo, `${url}/${full}`),
      // what a token doesn't show the visibility of is seen by everybody
      private: (visibility ?? 'public') !== 'public',
      ...{
        fork: origin !== null && origin !== undefined,
        archived: project.archived ?? false,
        empty: project.empty_repo ?? null,
      },
      ...{ description: descriptionOf(project.description), topics: topicsOf(project.topics), language: null },
      ...{ defaultBranch: branch ?? null, bytes: project.statistics?.repository_size ?? null, pushedAt: null },
    }
  }

  function reposOf(data: unknown): ListedRepo[] {
    if (!Array.isArray(data)) throw unreachable(place, 'its answer is not what GitLab sends')
    return data.map(repoOf).filter((repo) => repo !== null)
  }

  const one = (project: string, what: string): Promise<ListedRepo | null> =>
    rest.get(what, `/projects/${encodeURIComponent(project)}?statistics=true`).then(
      ({ data }) => repoOf(data),
      (error: unknown) => {
        if (error instanceof RefusedError && error.status === 404) return null
        throw error
      },
    )

  return {
    place,
    ...{ kinds: ['group', 'user'], called: 'group or user', anonymous: asking.token === null },
    kindOf: (kind) => Promise.resolve(kind),
    first: (kind, name) =>
      `/${kind}s/${encodeURIComponent(name)}/projects?${kind === 'group' ? 'include_subgroups=true&with_shared=false&' : ''}` +
      'order_by=id&sort=asc&per_page=100&page=1',
    async ask(path, etag, name) {
      const answer = await rest.get(`list the projects of ${name}`, path, etag)
      return pageAnswer(answer, path, () => reposOf(answer.data), 'x-total')
    },
    one: (path) => one(path, `find ${path}`),
    byId: (id) => one(id, `find project ${id}`),
    requests: rest.requests,
    warnings: () =>
      silent ? [`without a token ${place.title} at ${url} does not say which projects are archived or forks`] : [],
  }
}
