import type { Limits } from '#lib/queue/limits.ts'
import type { Redis } from 'ioredis'
import type { RedisChild } from '#lib/pool/redis-child.ts'
import type { Enqueuer } from './enqueuer.ts'
import type { PoolProcess } from './pool-process.ts'
import type { Proxy } from './proxy.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import type { PlannedFault } from './schedule.ts'

/** What a fault works on. */
export interface FaultContext {
  planned: PlannedFault
  /** The fault's own numbers. */
  dice: Random
  pool: PoolProcess
  redisChild: RedisChild
  /** A connection past the proxy. */
  redis: Redis
  proxy: Proxy
  record: Recorder
  enqueuer: Enqueuer
  /** The queue's numbers in this round. */
  limits: Partial<Limits> & { lease: number }
  /** Jobs whose record was deleted on purpose. */
  deleted: Set<string>
  signal: AbortSignal
  /** Remembered for the traces: what was done to whom. */
  note: (text: string, job?: string) => void
  /** Starts a process that goes with the round; gives what it is ended by, and its end. */
  start: (command: string, args: string[], env?: NodeJS.ProcessEnv) => { end: () => void; ended: Promise<number | null> }
}

export interface Injection {
  /** When the clock of the recovery begins (performance.now). */
  since: number
  /** Resolves when all is well again; to false or null when that took too long. */
  recovered: Promise<unknown>
}

/** One way to break things. */
export interface Fault {
  /** From what to what recovery is measured. */
  measured: string
  /** What this machine lacks for it, in words; null: nothing. */
  missing?: () => string | null
  /** Breaks it; null when nothing was there to be hit. Resolves when the next fault of its lane may come. */
  inject: (ctx: FaultContext) => Promise<Injection | null>
}

/** How long a fault looks for something to hit, and how long a recovery may take before it counts as none, ms. */
export const patience = { victim: 10_000, recovery: 45_000 }
