/** What a pipeline is: a file in `languages` with a default export of this shape. */
import type { CacheSpec } from '#lib/cache/spec.ts'
import { RaibidError } from '#lib/errors.ts'

/** One mistake in a file: `line` and `key` where they are known. */
export interface Problem {
  line: number | null
  key: string
  text: string
}

/** `file:line: key: sentence`. */
export const problemText = (file: string, { line, key, text }: Problem): string =>
  line === null ? text : `${file}:${line}: ${key ? `${key}: ` : ''}${text}`

/** A repository's own description of its build is wrong, or there is none. One problem per line. */
export class PipelineError extends RaibidError {
  override name = 'PipelineError'
  /** The same, one by one, where they are mistakes in `.raibid.yaml`. */
  problems: Problem[] = []
}

/** A cloned repository. Names are those of files in its top folder; symlinks and anything else but regular files are refused. */
export interface Workspace {
  path: string
  has(name: string): Promise<boolean>
  /** Null when there is no such file. Throws PipelineError for one over `limit` bytes (default 1 MiB). */
  read(name: string, limit?: number): Promise<string | null>
  /** Names of what is in the top folder, or in this folder of it; none where there is no such folder. */
  list(folder?: string): Promise<string[]>
}

export interface Context {
  workspace: Workspace
  /** Whether the steps will find this program on their PATH. */
  has(tool: string): boolean
  image: ImageUse
}

/** What becomes of the image of a repository with a Dockerfile. */
export interface ImageUse {
  /** There is a registry: layers are taken from its cache. */
  registry: boolean
  /** And the image, and layers, may be pushed to it: not for a fork. */
  push: boolean
  /** Why there can't be one. */
  problem?: string
}

export interface PlannedStep {
  name: string
  /** A bash script. */
  run: string
  timeoutMs?: number
  /** No later step needs what it makes. */
  independent?: true
  /** JUnit files that its tests write: patterns in the workspace, and names in TMPDIR. */
  reports?: string[]
  tmpReports?: string[]
  /** It builds the repository's image, and needs what only such a step is given; `digestFile`: in TMPDIR, where it says what it pushed. */
  image?: { digestFile: string }
  /** Why the step is not run: a tool that is missing, a branch it is not for. */
  skip?: string
  /** It is skipped for the branch alone. */
  elsewhere?: true
}

export interface Pipeline {
  name: string
  /** What `detect` looks for, in words, for the message when nothing was found. */
  looksFor: string
  /** It builds upon what the others make. */
  last?: true
  detect(workspace: Workspace): Promise<boolean>
  steps(context: Context): Promise<PlannedStep[]>
  /** What of the workspace is worth keeping for the next build. */
  caches?(workspace: Workspace): Promise<CacheSpec[]>
}
