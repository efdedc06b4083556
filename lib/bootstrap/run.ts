import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterContext, Component } from '#lib/cluster/component.ts'
import { messageOf, RaibidError, UnreachableError } from '#lib/errors.ts'
import { unlessInterrupted } from './interrupted.ts'
import type { Journal } from './journal.ts'
import { look, type Seen } from './look.ts'
import type { Chosen } from './order.ts'

/** What happens to one component, as it happens. `reason` is for people. */
export interface Progress {
  name: string
  what: 'looks' | 'applies' | 'waits' | 'nothing' | 'applied' | 'skipped' | 'failed' | 'not reached'
  ms: number
  reason?: string
}

/** What became of one component. */
export interface Outcome extends Progress {
  evidence?: readonly string[]
  /** What failed was not to be reached: exit code 3. */
  unreachable?: boolean
  /** It was not begun: this one, which it needs, has to be mended first. */
  lacks?: string
}

export interface RunOptions {
  journal: Journal
  emit: (progress: Progress) => void
  /** Between two looks at what is to become healthy. */
  everyMs?: number
}

export const settles = 120_000

/** Applies what is chosen and isn't healthy, in the order given, until the first failure; gives what became of each. Throws only what the signal says. */
export async function run(list: readonly Chosen[], ctx: ClusterContext, options: RunOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const skipped = new Set(list.filter((one) => one.skipped).map(({ component }) => component.name))
  const healthy = new Set<string>(skipped)
  for (const { component, chosen } of list) {
    const failed = outcomes.some(({ what }) => what === 'failed')
    const outcome: Outcome =
      !chosen || failed
        ? { name: component.name, ms: 0, what: chosen ? 'not reached' : 'skipped' }
        : await one(component, ctx, healthy, list, options)
    if (outcome.what === 'nothing' || outcome.what === 'applied') healthy.add(component.name)
    outcomes.push(outcome)
    options.emit(outcome)
  }
  return outcomes
}

async function one(
  component: Component,
  ctx: ClusterContext,
  healthy: Set<string>,
  list: readonly Chosen[],
  { journal, emit, everyMs = 1000 }: RunOptions,
): Promise<Outcome> {
  const { name } = component
  const started = performance.now()
  const done = (what: Outcome['what'], seen: Partial<Missing> = {}): Outcome => {
    const { reason, evidence, unreachable, lacks } = seen
    const ms = Math.round(performance.now() - started)
    return {
      name,
      what,
      ms,
      ...(reason && { reason }),
      ...(evidence?.length && { evidence }),
      ...(unreachable && { unreachable }),
      ...(lacks && { lacks }),
    }
  }
  emit(done('looks'))
  const missing = await firstMissing(component, ctx, healthy, list)
  if (missing) return done('failed', missing)
  const before = await look(component, ctx)
  journal.found(name, before)
  if (before.state === 'healthy') return done('nothing', before)
  emit(done('applies', before))
  journal.move(name, before.state === 'absent' ? 'deploying' : 'repairing', before.reason ?? null)
  let seen: Seen
  try {
    await unlessInterrupted(component.apply(ctx), ctx.signal)
    seen = await settled(component, ctx, everyMs, (reason) => emit(done('waits', { reason })))
  } catch (error) {
    const reason = ctx.signal.aborted ? 'interrupted' : messageOf(error).split('\n')[0]!
    journal.move(name, 'failed', reason)
    if (ctx.signal.aborted) throw ctx.signal.reason
    if (!(error instanceof RaibidError) && process.env['DEBUG']) throw error
    // what it found out about itself is more than what the one call said
    const after = error instanceof UnreachableError ? {} : await look(component, ctx)
    return done('failed', { ...after, reason, unreachable: error instanceof UnreachableError })
  }
  if (seen.state === 'healthy') {
    journal.move(name, 'healthy')
    return done('applied', seen)
  }
  const within = (component.settlesWithinMs ?? settles) / 1000
  const reason = `it was made, and is not well after ${within} s: ${seen.reason ?? seen.state}`
  journal.move(name, 'failed', reason)
  return done('failed', { ...seen, reason })
}

/** Looks until it is healthy, or its time is over; gives the last finding. */
export async function settled(
  component: Component,
  ctx: ClusterContext,
  everyMs: number,
  tell: (reason: string) => void = () => {},
): Promise<Seen> {
  const end = performance.now() + (component.settlesWithinMs ?? settles)
  for (;;) {
    const seen = await look(component, ctx)
    if (seen.state === 'healthy' || performance.now() + everyMs > end) return seen
    tell(seen.reason ?? seen.state)
    await sleep(everyMs, undefined, { signal: ctx.signal })
  }
}

type Missing = Seen & { lacks: string }

/** What it needs and isn't part of this run has to be there; nobody but the person says so with --skip. What that one lacks itself comes first. */
async function firstMissing(
  component: Component,
  ctx: ClusterContext,
  healthy: Set<string>,
  list: readonly Chosen[],
): Promise<Missing | null> {
  for (const need of component.needs.filter((name) => !healthy.has(name))) {
    const needed = list.find((one) => one.component.name === need)!.component
    const seen = await look(needed, ctx)
    if (seen.state !== 'healthy') {
      const reason = `it needs ${need}, which is ${seen.state}${seen.reason ? `: ${seen.reason}` : ''}`
      return (await firstMissing(needed, ctx, healthy, list)) ?? { ...seen, reason, lacks: need }
    }
    healthy.add(need)
  }
  return null
}
