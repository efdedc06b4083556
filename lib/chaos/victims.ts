import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { keys } from '#lib/queue/keys.ts'
import type { Limits } from '#lib/queue/limits.ts'
import { assemble, type ScriptName } from '#lib/queue/scripts.ts'
import { isFinal, type JobState, type Step } from '#lib/queue/types.ts'
import type { Change } from './facts.ts'
import { patience, type FaultContext } from './fault.ts'

export interface Victim {
  /** The change by which it took its job. */
  change: Change
  pid: number
}

/** Asks until there is an answer; null when there was none within `ms`, or the round is over. */
export async function until<T>(
  ask: () => T | null | Promise<T | null>,
  signal: AbortSignal,
  ms = patience.victim,
): Promise<T | null> {
  for (const end = Date.now() + ms; Date.now() < end && !signal.aborted; await sleep(8)) {
    const answer = await ask()
    if (answer !== null && answer !== false) return answer
  }
  return null
}

/** An agent at work in this phase of its job. One that was lost over its job often enough is spared: it would be given up. */
export function agentIn(ctx: FaultContext, phase: 'clone' | 'step'): Promise<Victim | null> {
  return until(async () => {
    for (const change of ctx.dice.shuffle(ctx.record.runningNow())) {
      if (change.attempt > 2 || !change.actor.startsWith('local-')) continue
      const [phases, steps, state] = await ctx.redis.hmget(keys.job(change.job), 'phases', 'steps', 'state').catch(() => [])
      if (state !== 'running' || phaseOf(phases, steps) !== phase) continue
      const pid = ctx.pool.agent(change.actor)
      if (pid !== null) return { change, pid }
    }
    return null
  }, ctx.signal)
}

function phaseOf(phases: string | null | undefined, steps: string | null | undefined): 'clone' | 'step' | 'other' {
  const open = (text: string | null | undefined): boolean =>
    text ? (JSON.parse(text) as Step[]).some((step) => step.state === 'running') : false
  if (open(steps)) return 'step'
  return open(phases) ? 'clone' : 'other'
}

/** Resolves when the job of this attempt runs again, or is final. Ask before the blow: it hears only what comes. */
export const runsAgain = (ctx: FaultContext, { job, attempt }: Change): Promise<Change | null> =>
  ctx.record.next(
    (change) =>
      change.job === job &&
      ((change.state === 'running' && change.attempt > attempt) || isFinal(change.state as JobState) || change.state === 'gone'),
    patience.recovery,
  )

/** Resolves when any agent has taken a job, or ended one; late in a round there may be nothing more to come: to `idle` then. */
export async function workGoesOn(ctx: FaultContext): Promise<Change | 'idle' | null> {
  const next = anyWork(ctx)
  const idle = until<'idle'>(() => (ctx.record.unfinished() === 0 ? 'idle' : null), ctx.signal, patience.recovery)
  return Promise.race([next, idle.then(async (one) => one ?? (await next))])
}

const anyWork = (ctx: FaultContext): Promise<Change | null> =>
  ctx.record.next((change) => change.state === 'running' || isFinal(change.state as JobState), patience.recovery)

/** Resolves when the job is final. */
export const isOver = (ctx: FaultContext, job: string): Promise<Change | null> =>
  ctx.record.next((change) => change.job === job && isFinal(change.state as JobState), patience.recovery)

/** The pid and the name of an agent that was started just now, up to the moment in which its claim is on its way. */
export async function newAgent(ctx: FaultContext): Promise<{ name: string; pid: number; held: Change | undefined } | null> {
  const before = new Set(ctx.pool.agents())
  const name = await until(() => ctx.pool.agents().find((one) => !before.has(one)) ?? null, ctx.signal)
  if (!name) return null
  await sleep(ctx.dice.whole(0, 250))
  const pid = ctx.pool.agent(name)
  return pid === null ? null : { name, pid, held: ctx.record.runningNow().find((change) => change.actor === name) }
}

/**
 * How a call of this script looks on its way to Redis: by its digest, or by the end of its text, for a client's first call brings the whole.
 * `limits`: those of who calls. Gives the place behind which its arguments follow; -1 when the piece holds no such call.
 */
export function callOf(script: ScriptName, limits: Partial<Limits> = {}): (piece: Buffer) => number {
  const text = assemble(script, limits)
  const digest = createHash('sha1').update(text).digest('hex')
  return (piece) => Math.max(piece.indexOf(digest), piece.lastIndexOf(text.slice(-80)))
}

/** The job that a piece with such a call is about. */
export function jobIn(piece: Buffer, call: ReturnType<typeof callOf>): string | null {
  const at = call(piece)
  return at < 0 ? null : (/\$26\r\n([0-9A-Z]{26})\r\n/.exec(piece.toString('latin1', at))?.[1] ?? null)
}
