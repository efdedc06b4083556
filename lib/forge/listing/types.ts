/** An organisation's repositories as their forge lists them: what rules decide on, and what a plan compares with. */

export type ListingForge = 'github' | 'gitlab' | 'gitea'

/** Whose repositories are listed: `myorg`, `gitlab:group/subgroup`, `gitea:org@host`. */
export interface Account {
  forge: ListingForge
  /** The forge's address as a browser has it, without a slash at the end. */
  url: string
  /** An organisation or user; for GitLab a group with its parents, slashes between. */
  name: string
}

export interface ListedRepo {
  /** `git`: on a server that is no forge we know; its id is then made of its address. */
  forge: ListingForge | 'git'
  /** The forge's address, as in the account. */
  forgeUrl: string
  /** The forge's own id of it, which stays through a rename or a transfer. */
  id: string
  /** As spelt there; for GitLab with the parents of the group, slashes between. */
  owner: string
  name: string
  /** By https (or as the forge says it), without credentials. */
  cloneUrl: string
  private: boolean
  fork: boolean
  archived: boolean
  /** Nothing was pushed yet; null where the listing doesn't say. */
  empty: boolean | null
  description: string
  topics: string[]
  /** As the forge names it (`Rust`); null: not known. */
  language: string | null
  defaultBranch: string | null
  /** Bytes, as the forge counts them; null: not known. */
  bytes: number | null
  /** ms since 1970; null: never, or not known. */
  pushedAt: number | null
}

export interface Listing {
  account: Account
  repos: ListedRepo[]
  /** Calls made for it, and how many of them were answered by "not changed". */
  requests: number
  unchanged: number
  /** What a person should know of besides, a sentence each: a token that may do more than it has to. */
  warnings: string[]
}
