import type { Redis } from 'ioredis'
import { keys } from './keys.ts'
import type { Limits } from './limits.ts'
import { pairs, parseJob } from './parse.ts'
import { scriptsOn } from './scripts.ts'
import type { FinalState, Job, JobState, Step } from './types.ts'

/** What the holder of a lease is told: go on, end the job, or it is not yours any more. */
export type Answer = 'ok' | 'cancel' | 'lost'

export type Claimed =
  | { kind: 'job'; job: Job }
  | { kind: 'gone' } /** ask with a new token */
  | { kind: 'idle'; behind: string } /** wait on the bell behind this entry */

/** One piece of a log: `out` is output of step `step`; `step` and `done` mark a step's begin and end (text is JSON). */
export interface Chunk {
  seq: number
  kind: 'out' | 'step' | 'done'
  step: number
  text: string
  /** Line breaks in the text, and in all the attempt's output before it: a reader sees from them what was cut. */
  lines: number
  line: number
}

export interface Result {
  state: Exclude<FinalState, 'dead'>
  reason: string
  exitCode: number | null
  phases: Step[]
  steps: Step[]
}

const resultOf = (id: string, token: string, { state, reason, exitCode, phases, steps }: Result): (string | number)[] => [
  id,
  token,
  state,
  reason,
  exitCode ?? '',
  JSON.stringify(phases),
  JSON.stringify(steps),
]

/**
 * What an agent may do. Every call carries the token of its claim and is refused (`lost`) when another attempt holds the job;
 * every call may be repeated after a lost reply.
 */
export function worker(redis: Redis, agent: string, limits?: Partial<Limits>) {
  const run = scriptsOn(redis, limits, ['claim', 'log'])

  /** The answer of a claim, understood; what must be done first is done, and asked again. */
  async function taken(answer: string[], token: string, pool: string): Promise<Claimed> {
    for (;;) {
      const [kind, ...rest] = answer
      if (kind === 'idle') return { kind, behind: rest[0]! }
      if (kind === 'gone') return { kind }
      if (kind === 'job') {
        const job = parseJob(rest[0]!, pairs(rest.slice(1)))
        if (job) return { kind: 'job', job }
        // unreadable: nobody can build it; the release costs a try, so it ends as dead rather than going round for ever
        await run('release', agent, token, 'lost', 'its record is unreadable', agent)
        return { kind: 'gone' }
      }
      await run('tend', pool)
      answer = (await run('claim', agent, token, pool)) as string[]
    }
  }

  return {
    /** Takes the next job of the pool. The same token gets the same answer. */
    claim: async (token: string, pool: string): Promise<Claimed> =>
      taken((await run('claim', agent, token, pool)) as string[], token, pool),

    /** Blocks until an entry newer than `behind` rings, or for `ms`. On a connection of its own. */
    async waitForBell(bell: Redis, pool: string, behind: string, ms: number): Promise<void> {
      await bell.xread('COUNT', 1, 'BLOCK', Math.max(1, Math.round(ms)), 'STREAMS', keys.stream(pool), behind)
    },

    /** Extends the lease. */
    beat: async (id: string, token: string) => (await run('beat', id, agent, token)) as Answer,

    /** Appends to the log and, where given, records phases and steps. */
    async log(id: string, token: string, chunks: Chunk[], now: { phases?: Step[]; steps?: Step[] } = {}): Promise<Answer> {
      const flat = chunks.flatMap((c) => [c.seq, c.kind, c.step, c.text, c.lines, c.line])
      return (await run(
        'log',
        id,
        token,
        now.phases ? JSON.stringify(now.phases) : '',
        now.steps ? JSON.stringify(now.steps) : '',
        ...flat,
      )) as Answer
    },

    /** Reports the result; gives the job's one final state (a cancel outranks the result), or `lost`. */
    finish: async (id: string, token: string, result: Result): Promise<JobState | 'lost'> =>
      ((await run('finish', ...resultOf(id, token, result))) as [JobState | 'lost'])[0],

    /** Reports the result and takes the next job of the pool under the token `next`, in one call. */
    async finishAndClaim(
      id: string,
      token: string,
      result: Result,
      next: string,
      pool: string,
    ): Promise<{ state: JobState | 'lost'; claimed: Claimed }> {
      const reply = await run('finish', ...resultOf(id, token, result), agent, next, pool)
      const [state, answer] = reply as [JobState | 'lost', string[]]
      // the report is accepted, so nothing behind it may fail: whoever asks anew can wait for a Redis that is full
      return { state, claimed: answer[0] === 'tend' ? { kind: 'gone' } : await taken(answer, next, pool) }
    },

    /** Gives the job back: `drained` costs no try, the others do. Gives its new state, or `none`. */
    release: async (token: string, kind: 'drained' | 'network' | 'lost', reason: string) =>
      (await run('release', agent, token, kind, reason, agent)) as JobState | 'none',

    /** Calls back at once when the job is cancelled. On a connection of its own. */
    async onCancel(bell: Redis, id: string, call: () => void): Promise<void> {
      bell.on('message', (channel) => channel === keys.cancel(id) && call())
      await bell.subscribe(keys.cancel(id))
    },
  }
}

export type Worker = ReturnType<typeof worker>
