/** What the forges have in common, as far as it is used. */

export interface RepoName {
  owner: string
  name: string
}

/** Half of a repository's name: nothing that would lead elsewhere in a path. */
export const isNamePart = (text: string): boolean => /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/.test(text)

export interface Repo extends RepoName {
  id: number
  defaultBranch: string
  cloneUrl: string
  private: boolean
  /** It follows another repository by itself. */
  mirror: boolean
  /** Nothing was pushed yet. */
  empty: boolean
}

export const statusStates = ['pending', 'success', 'failure', 'error'] as const

/** What is said of a commit; a later one of the same context takes its place. */
export interface CommitStatus {
  state: (typeof statusStates)[number]
  context: string
  /** At most 140 characters: GitHub takes no more. */
  description: string
  targetUrl?: string | undefined
}

/** A webhook as the forge shows it: its secret never. */
export interface Hook {
  id: number
  url: string
  events: string[]
  active: boolean
}

export interface HookWish {
  url: string
  secret: string
  events: readonly string[]
}

/** Branch → commit. */
export type Heads = Record<string, string>

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Bound on the whole call, ms. */
  withinMs?: number | undefined
}
