import type { Account } from '#lib/forge/listing/types.ts'

/** One entry of `mirrors.yaml`, or what a command line says, with the defaults filled in. */
export interface MirrorRule {
  /** Where it stands, as people are told: `mirrors.yaml:12`, `the command line`. */
  where: string
  from: { kind: 'account'; account: Account } | { kind: 'repo'; url: string }
  /** Regular expressions over the name; null: all, none. Of an account only. */
  include: string | null
  exclude: string | null
  /** Whether private ones, forks, archived ones are mirrored too. */
  private: boolean
  forks: boolean
  archived: boolean
  /** Only those with one of these; empty: any. */
  topics: string[]
  /** Only this language; null: any. Case doesn't matter. */
  language: string | null
  /** How the mirror is seen; `source`: as the source is. */
  visibility: 'private' | 'public' | 'source'
  /** Between two syncs, ms; 0: only when asked to. */
  intervalMs: number
  wiki: boolean
  lfs: boolean
  /** Organisation or user of our Gitea that gets them. */
  owner: string
  /** Name of the mirror; null: the source's. Of a single repository only. */
  name: string | null
  /** What becomes of a mirror whose source is gone. */
  orphans: 'keep' | 'archive' | 'delete'
  /** Whether a new mirror's default branch is built at once. */
  build: boolean
}
