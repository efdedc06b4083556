/** What a pipeline is: a file in this folder with a default export of this shape. */
import { RaibidError } from '#lib/errors.ts'

/** A repository's own description of its build is wrong, or there is none. One problem per line. */
export class PipelineError extends RaibidError {
  override name = 'PipelineError'
}

/** A cloned repository. Names are those of files in its top folder; symlinks and anything else but regular files are refused. */
export interface Workspace {
  path: string
  has(name: string): Promise<boolean>
  /** Null when there is no such file. Throws PipelineError for one over `limit` bytes (default 1 MiB). */
  read(name: string, limit?: number): Promise<string | null>
}

export interface Context {
  workspace: Workspace
  /** Whether the steps will find this program on their PATH. */
  has(tool: string): boolean
}

export interface PlannedStep {
  name: string
  /** A bash script. */
  run: string
  timeoutMs?: number
  /** Why the step is not run: a tool that is missing. */
  skip?: string
}

export interface Pipeline {
  name: string
  /** What `detect` looks for, in words, for the message when nothing was found. */
  looksFor: string
  detect(workspace: Workspace): Promise<boolean>
  steps(context: Context): Promise<PlannedStep[]>
}
