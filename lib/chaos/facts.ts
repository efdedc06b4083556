import type { LogEntry } from '#lib/queue/log-reader.ts'
import type { Job } from '#lib/queue/types.ts'
import type { PlannedJob } from './jobs.ts'
import type { Sample } from './sample.ts'

/** One change of state, as `ci-events` has it. */
export interface Change {
  job: string
  state: string
  attempt: number
  actor: string
  reason: string
  at: number
}

/** An enqueue that was answered: for one key there may be several, and one job must answer for all. */
export interface Acknowledged {
  plan: PlannedJob
  /** The ids that the answers gave. */
  ids: string[]
}

/** What one acknowledged job came to. */
export interface JobFacts {
  id: string
  plan: PlannedJob
  /** null: there is no such job. */
  job: Job | null
  changes: Change[]
  log: LogEntry[]
  /** Output that the queue says it cut of an attempt. */
  cut: Record<number, { lines: number; bytes: number }>
  /** Attempts by how often their steps began, and ended. */
  began: Record<number, number>
  ended: Record<number, number>
  /** Its record was deleted on purpose. */
  deleted: boolean
}

/** What ran at one moment. */
export interface AgentSample {
  at: number
  agents: number
}

/** All that the audit looks at. */
export interface Facts {
  max: number
  logBound: number
  acknowledged: Acknowledged[]
  jobs: JobFacts[]
  /** Changes of jobs that nobody enqueued. */
  strangers: string[]
  samples: Sample[]
  agents: AgentSample[]
  /** What is still there after the end: processes, keys, files. */
  left: string[]
}
