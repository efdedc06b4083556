/** The shapes of the protocol. Times are milliseconds since the epoch, by Redis's clock; durations are milliseconds. */

export const unfinishedStates = ['held', 'pending', 'delayed', 'running'] as const
export const finalStates = ['success', 'failed', 'cancelled', 'dead'] as const
export const jobStates = [...unfinishedStates, ...finalStates] as const
export type FinalState = (typeof finalStates)[number]
export type JobState = (typeof jobStates)[number]

export const isFinal = (state: JobState): state is FinalState => (finalStates as readonly string[]).includes(state)

export type StepState = 'running' | 'success' | 'failed' | 'skipped' | 'cancelled'

/** One step as it is shown and stored: `reason` says why it was skipped or how it failed. */
export interface Step {
  name: string
  state: StepState
  exitCode: number | null
  durationMs: number | null
  /** Of a phase that came after steps: its place among all, as the log numbers them. */
  at?: number
  reason?: string
  /** No later step needs what it makes: once it has passed, `retry --failed-only` leaves it out. */
  independent?: true
  /** What its test reports say. */
  tests?: TestReport
  /** Of the phase `clone`: when the agent's process was started, or became an agent, by its own clock. */
  bornAt?: number
  /** The image that it built and pushed: its name with the tag, and the digest that the registry knows it by. */
  image?: { name: string; digest: string }
  /** Of the phase that restored caches. */
  cache?: CacheUse[]
  /** Of the phase that kept files. */
  artifacts?: Artifact[]
}

/** A step that passed in an earlier attempt, and need not run again: its place among the steps, and its name. */
export interface PassedStep {
  index: number
  name: string
  attempt: number
}

/** Tests of one step by its JUnit reports: counts, and the failed ones by name (a bounded number of them). */
export interface TestReport {
  passed: number
  failed: number
  skipped: number
  failures: { name: string; message: string }[]
}

/** What one cache of a job was good for: `hit` by the exact key, `near` by another state of its lock files. */
export interface CacheUse {
  paths: string[]
  outcome: 'hit' | 'near' | 'miss' | 'refused' | 'shared'
  /** In words: which entry, or why not. */
  reason?: string
  bytes: number
  restoreMs: number
  /** Time that the steps took without it, as far as that is known, minus what they and the restoring took now; null before that is known. */
  savedMs: number | null
  /** Why a successful job could not save it. */
  notSaved?: string
}

/** A file that a job keeps: its path in the workspace, with `/`. */
export interface Artifact {
  path: string
  bytes: number
  sha256: string
  executable?: true
}

/** What to build. Written once by enqueue, never changed. */
export interface JobSpec {
  /** Clone URL without credentials, or an absolute path. */
  repo: string
  branch: string
  /** Full object id; empty: the head of the branch when the agent clones. */
  commit: string
  /** Name of a pipeline, or `auto`. */
  pipeline: string
  pool: string
  /** Bound on the whole attempt; 0: the agent's default. */
  timeoutMs: number
  env: Record<string, string>
  /** Names of the secrets; their values are sealed (lib/seal.ts) in `sealed`. */
  secrets: string[]
  /** The repository that `repo` stands for, where that is only a snapshot of it. */
  origin?: string
  /** It builds what somebody from outside wrote: caches are read, never written, and there are no secrets. */
  fork?: boolean
}

/** Everything known of one job. */
export interface Job extends JobSpec {
  id: string
  /** Its place in the order in which jobs came. */
  seq: number
  /** Who asked for it, and for what: `by`, `message`, `ref`, … as a forge told it. */
  about: Record<string, string>
  state: JobState
  reason: string
  /** Number of claims so far; 0 before the first. */
  attempt: number
  /** Agents lost so far; three end the job as `dead`. */
  tries: number
  agent: string
  cancelled: boolean
  createdAt: number
  queuedAt: number
  /** Begin and end of the last attempt. */
  startedAt: number | null
  endedAt: number | null
  finishedAt: number | null
  /** When a delayed job may run again. */
  dueAt: number | null
  /** Clone and the like. */
  phases: Step[]
  steps: Step[]
  /** Of earlier attempts, not to be run again: what `retry --failed-only` left out. */
  passed: PassedStep[]
  exitCode: number | null
  sealed: string
  /** Forges that were not told what the job is now, and why. */
  untold?: { forge: string; why: string }[]
  logCut: { lines: number; bytes: number }
}
