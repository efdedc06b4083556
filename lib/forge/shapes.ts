import { z } from 'zod/mini'
import { RaibidError, UsageError } from '#lib/errors.ts'
import type { Place } from './errors.ts'
import { isNamePart, type Hook, type Repo, type RepoName } from './types.ts'

/** The parts of the forges' answers that are used; Gitea's and GitHub's have the same names. */

export const repoShape = z.object({
  id: z.number(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
  default_branch: z.nullish(z.string()),
  clone_url: z.string(),
  private: z.boolean(),
  mirror: z.nullish(z.boolean()),
  empty: z.nullish(z.boolean()),
})

export const hookShape = z.object({
  id: z.number(),
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.object({ url: z.nullish(z.string()) }),
})

export const repoOf = (repo: z.infer<typeof repoShape>): Repo => ({
  id: repo.id,
  owner: repo.owner.login,
  name: repo.name,
  defaultBranch: repo.default_branch ?? '',
  cloneUrl: repo.clone_url,
  private: repo.private,
  mirror: repo.mirror ?? false,
  empty: repo.empty ?? false,
})

export const hookOf = ({ id, active, events, config }: z.infer<typeof hookShape>): Hook => ({
  id,
  active,
  events,
  url: config.url ?? '',
})

/** What the forge sent, as what it should be. A server that isn't a forge may answer 200 to everything. */
export function understood<T>(place: Place, what: string, shape: z.ZodMiniType<T>, body: unknown): T {
  const result = z.safeParse(shape, body)
  if (result.success) return result.data
  throw new RaibidError(
    `${place.title} at ${place.url} could not ${what}: its answer is not what ${place.title} sends; is this its address?`,
  )
}

/** A repository's place in a path; UsageError for what is no name, or would lead elsewhere. */
export function repoPath({ owner, name }: RepoName): string {
  if (isNamePart(owner) && isNamePart(name)) return `/repos/${owner}/${name}`
  throw new UsageError(`${JSON.stringify(`${owner}/${name}`.slice(0, 100))} is not the name of a repository: owner/name`)
}

/** An owner's place in a path; UsageError for what is no name. */
export function ownerPath(name: string): string {
  if (isNamePart(name)) return name
  throw new UsageError(`${JSON.stringify(name.slice(0, 100))} is not the name of an organisation or user`)
}
