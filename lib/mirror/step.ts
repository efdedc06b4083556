/** What a plan consists of: data, from which both what is printed and what is done are made. */
import type { MigrateWish, MirrorChange } from '#lib/forge/gitea-mirrors.ts'
import type { RepoName } from '#lib/forge/types.ts'

/** A repository of our Gitea: where it is when its turn comes, and its number there; null: it is made by this very step. */
export interface At extends RepoName {
  id: number | null
}

/**
 * One call to Gitea, or what stands for a few. `waitsFor`: the place (`owner/name` in lower case) that another step has to leave first; null:
 * nobody is there.
 */
export type Action =
  /** `begun`: an earlier run had it cloned already, and nobody knows how far. */
  | { do: 'clone'; wish: Omit<MigrateWish, 'credentials'>; begun: boolean; waitsFor: string | null }
  | { do: 'topics'; at: At; topics: string[] }
  | { do: 'change'; at: At; change: Omit<MirrorChange, 'name' | 'credentials'> }
  | { do: 'rename'; at: At; to: string; waitsFor: string | null }
  | { do: 'transfer'; at: At; to: string; waitsFor: string | null }
  /** It has all that its source has. */
  | { do: 'verify'; at: At; source: string }
  | { do: 'delete'; at: At }
  /** Of a new one: a webhook where its owner has none, and a first build. */
  | { do: 'announce'; at: At; build: boolean }

export const stepKinds = ['create', 'update', 'rename', 'transfer', 'orphan', 'refused', 'nothing'] as const

export interface Step {
  /**
   * `rename` and `transfer`: the source has another name or owner, or the mirror has not the place that its rule gives it. `orphan`: there is no
   * such source any more. `refused`: a person has to choose. `nothing`: it is as it should be.
   */
  kind: (typeof stepKinds)[number]
  /** `owner/name` in our Gitea, when it is done. */
  mirror: string
  /** The source's address, for people. */
  source: string
  reason: string
  /** The rule that decided: `mirrors.yaml:12`. */
  rule: string
  /** To clone, as the source's forge counts them; null: not known. */
  bytes: number | null
  /** In this order. */
  actions: Action[]
}

export const placeOf = ({ owner, name }: RepoName): string => `${owner}/${name}`.toLowerCase()
