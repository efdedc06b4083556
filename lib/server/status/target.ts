import { isBuilt, type BuiltForge, type Forge } from '#lib/config-forges.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { findForge, type Found } from '#lib/forge/find.ts'
import { gitea } from '#lib/forge/gitea.ts'
import { github } from '#lib/forge/github.ts'
import { isNamePart, type CallOptions, type CommitStatus, type RepoName } from '#lib/forge/types.ts'
import type { Job } from '#lib/queue/types.ts'

/** What telling needs of a forge's client. */
export interface Client {
  setStatus(repo: RepoName, sha: string, status: CommitStatus, options: CallOptions): Promise<void>
  hasCommit(repo: RepoName, sha: string, options: CallOptions): Promise<boolean>
}

/** Where `owner/name` on GitHub is, for a repository that is mirrored from there. */
export type GithubOf = (repo: string) => string | undefined

export const clientOf = (forge: BuiltForge): Client => (forge.kind === 'gitea' ? gitea(forge) : github(forge))

/** All that is to be told of a job: the forge that has its repository, and GitHub where that is a mirror of it. */
export function targetsOf(
  job: Pick<Job, 'repo' | 'origin'>,
  forges: readonly Forge[],
  githubOf: GithubOf = () => undefined,
): Found[] {
  const repo = job.origin ?? job.repo
  const own = findForge(forges, repo)
  const source = githubOf(repo)
  const [owner = '', name = ''] = source?.split('/') ?? []
  const hub = source && forges.filter(isBuilt).find(({ kind }) => kind === 'github')
  const mirrored = hub && hub !== own?.forge && isNamePart(owner) && isNamePart(name) ? [{ forge: hub, owner, name }] : []
  return [...(own ? [own] : []), ...mirrored]
}

/** What to do about a status that was not taken. */
export type Trouble =
  | { kind: 'forge'; waitMs: number | null; why: string } /** nothing gets through: wait with all of it */
  | { kind: 'job'; why: string } /** this one only: try again later */
  | { kind: 'never'; why: string } /** no word of this job will ever be taken */

/** A no to one job counts as meant only when it was said this often: a repository may just be being made. */
export const patience = 3

/** `tries`: how often it has failed now. `hasCommit` is asked when only that can tell whether an error of the server will last. */
export async function troubleOf(error: unknown, tries: number, hasCommit: () => Promise<boolean>): Promise<Trouble> {
  const why = messageOf(error)
  if (!(error instanceof RefusedError)) {
    // an unreachable forge, or a token that isn't there; what is no sentence of ours is a bug, which must not stop the rest
    return error instanceof RaibidError ? { kind: 'forge', waitMs: null, why } : { kind: 'job', why }
  }
  const { status, retryAfterMs } = error
  if (status === 401 || status === 429) return { kind: 'forge', waitMs: retryAfterMs, why }
  // our token may be let in any time, except into what is read-only for good
  if (tries < patience || (status === 403 && !/archived/i.test(why))) return { kind: 'job', why }
  if (status < 500) return { kind: 'never', why }
  // Gitea says 500 of a commit that it doesn't have
  const there = await hasCommit().catch(() => true)
  return there ? { kind: 'job', why } : { kind: 'never', why: `${why}: the forge does not have the commit` }
}
