import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { ulid } from '#lib/ulid.ts'
import type { Limits } from './limits.ts'
import type * as Schema from './schema.ts'
import { scriptsOn } from './scripts.ts'
import type { JobSpec, JobState, PassedStep } from './types.ts'

export interface EnqueueOptions {
  /** Makes a repeat of the same call harmless; default: a new ULID. */
  id?: string
  /** The caller's idempotency key, honoured as long as the job is remembered; default: what is built, while it is unfinished. */
  key?: string
  /** Cancel waiting jobs of the same repository, branch and pipeline that build an older commit. */
  supersede?: boolean
  /** When the commit was made, ms: decides which of two commits is the older; 0 when not known. */
  commitAt?: number
  /** Not to run before `admit`: why. */
  hold?: string
  /** Sealed values of the secrets (lib/seal.ts). */
  sealed?: string
  /** Tell the forge of each change of state. */
  report?: boolean
  /** More to remember: who pushed, which message, … */
  about?: Record<string, string>
}

export interface Enqueued {
  id: string
  deduplicated: boolean
  superseded: string[]
}

const digest = (...parts: unknown[]): string => hash('sha256', JSON.stringify(parts)).slice(0, 32)
const sorted = (record: Record<string, string>): [string, string][] => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))

/** Half a surrogate pair is no text, and Lua's JSON refuses the whole record for it. */
const wellFormed = (_: string, value: unknown): unknown => (typeof value === 'string' ? value.toWellFormed() : value)

/** What the script `enqueue` is to know of one job. What is empty is left out of its record. */
function argumentsOf(spec: JobSpec, options: EnqueueOptions = {}): (string | number)[] {
  const { repo, branch, commit, pipeline, pool, timeoutMs, env, secrets, origin, fork } = spec
  const key = options.key
    ? `k:${digest(options.key)}`
    : `b:${digest(repo, branch, commit, pipeline, pool, sorted(env), [...secrets].sort(), ...(fork ? ['fork'] : []))}`
  const { commitAt = 0, sealed, about } = options
  const more = {
    ...(timeoutMs && { timeoutMs }),
    ...(Object.keys(env).length && { env }),
    ...(secrets.length && { secrets }),
    ...(origin && { origin }),
    ...(fork && { fork }),
    ...(sealed && { sealed }),
    ...(commitAt && { commitAt }),
    ...(about && { about }),
  }
  const [flag, hold] = [options.supersede ? 1 : 0, options.hold ?? '']
  // what a fork pushes supersedes nothing of ours
  const group = digest(repo, branch, pipeline, ...(fork ? ['fork'] : []))
  const record = JSON.stringify({ branch, commit, pipeline, ...more }, wellFormed)
  return [options.id ?? ulid(), key, group, hold, flag, pool, repo, commit, commitAt, options.report ? 1 : 0, record]
}

/** Checking what is stored is slow to load, and only enqueueing needs it. */
let schema: typeof Schema | undefined

/** What a caller may do to jobs: each is one script, atomic, and safe to repeat. */
export function producer(redis: Redis, limits?: Partial<Limits>, pools: readonly string[] = ['default']) {
  const run = scriptsOn(redis, limits)
  /**
   * Puts jobs on the queue, in this order, a hundred in one script: nobody waits for Redis longer than a few milliseconds. UsageError, and
   * nothing stored, when a spec is not valid or a pool unknown; RaibidError that tells how many are stored when Redis gets full.
   */
  async function enqueueMany(wanted: readonly { spec: JobSpec; options?: EnqueueOptions }[]): Promise<Enqueued[]> {
    schema ??= await import('./schema.ts')
    const { parseSpec } = schema
    const all = wanted.map(({ spec, options }) => argumentsOf(parseSpec(spec), options))
    const unknown = wanted.find(({ spec }) => !pools.includes(spec.pool))
    if (unknown) throw new UsageError(`there is no pool "${unknown.spec.pool}"; known: ${pools.join(', ')}`)
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < all.length; i += 100) calls.push(run('enqueue', ...all.slice(i, i + 100).flat()))
    const done = await Promise.allSettled(calls)
    const answers = done.flatMap((call) => (call.status === 'fulfilled' ? (call.value as [string, number, ...string[]][]) : []))
    const refused = done.find((call) => call.status === 'rejected')
    if (refused) throw explained(refused.reason, answers.length, all.length)
    return answers.map(([id, deduplicated, ...superseded]) => ({ id, deduplicated: deduplicated === 1, superseded }))
  }

  return {
    enqueueMany,

    /** Puts one job on the queue. UsageError when the spec is not valid or the pool is unknown. */
    enqueue: async (spec: JobSpec, options: EnqueueOptions = {}): Promise<Enqueued> =>
      (await enqueueMany([{ spec, options }]))[0]!,

    /** Ends a waiting job, or asks a running one to end. `before` is the state it was in, `after` the state now. */
    async cancel(id: string, reason = 'cancelled'): Promise<{ before: JobState | 'unknown'; after: JobState | 'unknown' }> {
      const [before, after = 'unknown'] = (await run('cancel', id, reason)) as (JobState | 'unknown')[]
      return { before: before!, after }
    },

    /**
     * Runs a finished job again; all of it, but for the steps that are `passed`. `done` is false when it is not finished; `before` then tells
     * its state.
     */
    async retry(
      id: string,
      request = ulid(),
      passed: PassedStep[] = [],
    ): Promise<{ before: JobState | 'unknown'; done: boolean }> {
      const kept = passed.length ? JSON.stringify(passed, wellFormed) : ''
      const [before, done] = (await run('retry', id, request, kept)) as [JobState | 'unknown', number?]
      return { before, done: done === 1 }
    },

    /** Lets a held job run; gives its state. */
    admit: async (id: string, actor = 'approve') => (await run('admit', id, actor)) as JobState | 'unknown',

    /** Forgets a dead job now; gives `dropped`, or the state of a job that is not dead. */
    drop: async (id: string) => (await run('drop', id)) as JobState | 'dropped' | 'unknown',
  }
}

/** A full Redis in a person's words. */
function explained(error: unknown, stored: number, wanted: number): unknown {
  if (!/^OOM/.test((error as Error).message)) return error
  const what = stored ? `only ${stored} of ${wanted} jobs were enqueued` : 'nothing was enqueued'
  return new RaibidError(
    `the queue's Redis is full, so ${what}; it takes jobs again when finished ones are forgotten, or with a higher maxmemory`,
  )
}

export type Producer = ReturnType<typeof producer>
