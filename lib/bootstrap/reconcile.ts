import type { ClusterContext, Component } from '#lib/cluster/component.ts'
import { messageOf } from '#lib/errors.ts'
import { unlessInterrupted } from './interrupted.ts'
import type { Journal } from './journal.ts'
import { lookAll } from './look.ts'
import { decide, repairLimits, waitAfter, type Decision, type RepairLimits } from './repair.ts'
import { settled } from './run.ts'
import type { ComponentRecord } from './state.ts'

/** What became of one component in one turn. */
export interface Repaired extends Decision {
  did: 'nothing' | 'repaired' | 'failed' | 'called'
}

/** Something that a person should know: raised when nothing more is done about it, and again when it is well. */
export interface Notice {
  component: string
  state: 'needs-human' | 'healthy'
  reason: string
}

export interface ReconcileOptions {
  journal: Journal
  notify: (notice: Notice) => Promise<void>
  limits?: RepairLimits
  dryRun?: boolean
  everyMs?: number
}

/** One turn: looks at everything, repairs what drifted, in order of needs, and calls a person where that has not helped. */
export async function reconcile(
  ordered: readonly Component[],
  ctx: ClusterContext,
  options: ReconcileOptions,
): Promise<Repaired[]> {
  const { journal, dryRun = false, limits = repairLimits } = options
  const found = await lookAll(ordered, ctx)
  const waited = new Set(
    ordered.map(({ name }) => name).filter((name) => journal.state().components[name]?.state === 'needs-human'),
  )
  const done: Repaired[] = []
  for (const component of ordered) {
    const { name } = component
    const seen = found.get(name)!
    if (!dryRun) journal.found(name, seen)
    // decided anew for each: what it needs may have been repaired just now
    const decision = decide([component], found, journal.state(), journal.now(), limits)[0]!
    if (dryRun) {
      done.push({ ...decision, did: 'nothing' })
      continue
    }
    if (decision.what === 'well' && waited.has(name))
      await options.notify({ component: name, state: 'healthy', reason: 'it is well again' })
    if (decision.what === 'call') {
      journal.move(name, 'needs-human', decision.reason)
      await options.notify({ component: name, state: 'needs-human', reason: decision.reason ?? '' })
      done.push({ ...decision, did: 'called' })
    } else if (decision.what === 'repair') {
      const repaired = await repair(component, ctx, options)
      // what stands on it may go on in this same turn
      if (repaired.did === 'repaired') found.set(name, { state: 'healthy' })
      done.push({ ...decision, ...repaired })
    } else done.push({ ...decision, did: 'nothing' })
  }
  return done
}

async function repair(
  component: Component,
  ctx: ClusterContext,
  { journal, limits = repairLimits, everyMs = 1000 }: ReconcileOptions,
): Promise<{ did: 'repaired' | 'failed'; reason: string | null }> {
  const { name } = component
  journal.move(name, journal.state().components[name]?.state === 'absent' ? 'deploying' : 'repairing')
  let reason: string
  try {
    await unlessInterrupted(component.apply(ctx), ctx.signal)
    const seen = await settled(component, ctx, everyMs)
    if (seen.state === 'healthy') {
      journal.move(name, 'healthy')
      note(journal, name, (record) => ({ repaired: [...record.repaired, journal.now()].slice(-50) }))
      return { did: 'repaired', reason: null }
    }
    reason = seen.reason ?? `it is still ${seen.state}`
  } catch (error) {
    reason = ctx.signal.aborted ? 'interrupted' : messageOf(error).split('\n')[0]!
    if (ctx.signal.aborted) {
      journal.move(name, 'failed', reason)
      throw ctx.signal.reason
    }
  }
  journal.move(name, 'failed', reason)
  note(journal, name, ({ failures }) => ({
    failures: failures + 1,
    notBefore: journal.now() + waitAfter(failures + 1, limits),
  }))
  return { did: 'failed', reason }
}

const note = (journal: Journal, name: string, change: (record: ComponentRecord) => Partial<ComponentRecord>): void =>
  journal.change((state) => {
    const record = state.components[name]!
    return { ...state, components: { ...state.components, [name]: { ...record, ...change(record) } } }
  })
