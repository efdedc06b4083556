/** Where artifacts are kept: what every store can do, and which one this installation has. */
import type { Readable } from 'node:stream'
import type { Config } from '#lib/config.ts'
import type { Artifact } from '#lib/queue/types.ts'

/** One attempt of a job. Only the accepted attempt's artifacts count; those of others are removed. */
export interface Place {
  job: string
  attempt: number
}

/** Bounds of one job. */
export const maxFiles = 1000
export const maxBytes = 2 ** 30

export interface ArtifactStore {
  /** Keeps files of a workspace, all or none; says through `leftOut` which of them it could not take. Gives what is kept. */
  put(
    place: Place,
    workspace: string,
    paths: readonly string[],
    options: { signal: AbortSignal; leftOut: (why: string) => void },
  ): Promise<Artifact[]>
  /** What is kept of an attempt; null when nothing is. */
  list(place: Place): Promise<Artifact[] | null>
  /** The bytes of the file that `list` names in this place, counted from 0. */
  open(place: Place, index: number): Promise<Readable>
  remove(place: Place): Promise<void>
  /** Every place with something in it, also what was broken off half-way. */
  places(): AsyncIterable<Place>
}

/** A store says where it is, for messages. */
export type OpenStore = ArtifactStore & { where: string }

/** The store of this installation: a folder, or the generic packages of a Gitea. */
export async function openStore(config: Config): Promise<OpenStore> {
  const { artifacts } = config
  if (!/^https?:/.test(artifacts)) return (await import('./local-store.ts')).localStore(artifacts)
  return (await import('./gitea-store.ts')).giteaStore(artifacts, config.git.credentials)
}
