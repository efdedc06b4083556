/** What a forge tells, understood: the same shapes whoever sent it. */

export interface RepoRef {
  forge: 'gitea' | 'github'
  /** `owner/name`, as the forge spells it. */
  name: string
  /** Clone URL without credentials. */
  url: string
  defaultBranch: string
}

export interface Push {
  kind: 'push'
  repo: RepoRef
  ref: { kind: 'branch' | 'tag'; name: string }
  commit: string
  /** What the ref was before; null: it is new. */
  before: string | null
  forced: boolean
  message: string
  author: string
  /** When the commit was made, ms; 0: not told. */
  commitAt: number
  /** Paths that the pushed commits touch; null when the list is not whole. */
  files: string[] | null
}

export interface PullRequest {
  kind: 'pull'
  repo: RepoRef
  number: number
  title: string
  author: string
  /** What is to be built: on a fork, or on the repository itself. */
  head: { url: string; branch: string; commit: string; fork: boolean }
}

export type ForgeEvent = Push | PullRequest | { kind: 'none'; reason: string }

const zeros = /^0+$/
/** A full object id that is not the one of nothing; null otherwise. */
export const commitOf = (text: string | undefined): string | null =>
  text && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text) && !zeros.test(text) ? text : null

/** `refs/heads/x` or `refs/tags/x`; null for any other. */
export function refOf(text: string): Push['ref'] | null {
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/s.exec(text) ?? []
  return name === undefined ? null : { kind: kind === 'heads' ? 'branch' : 'tag', name }
}
