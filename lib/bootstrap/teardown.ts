import type { ClusterContext, Component } from '#lib/cluster/component.ts'
import { messageOf, RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { unlessInterrupted } from './interrupted.ts'
import type { Journal } from './journal.ts'
import { look, type Seen } from './look.ts'
import { needing } from './order.ts'
import type { ClusterState } from './state.ts'

/** What became of one component that was to be taken away. `left`: it is still there; `goes`: with k3s, for its cluster can't be asked. */
export interface Removed {
  name: string
  what: 'nothing' | 'removed' | 'goes' | 'left' | 'stays'
  ms: number
  reason?: string
  evidence?: readonly string[]
  /** It could not be asked: exit code 3. */
  unreachable?: boolean
}

/** Can it be taken away at all? What a cluster that is somebody else's stands on can't. */
export const mayGo = ({ remove, withoutCluster }: Component, { settings }: ClusterContext): boolean =>
  Boolean(remove) && !(withoutCluster && settings.existing)

/** What is to go, the last first. UsageError for a name that there is not, or one that something else stands on that is to stay. */
export function toRemove(ordered: readonly Component[], only: readonly string[]): Component[] {
  if (!only.length) return ordered.toReversed()
  const names = new Set(ordered.map(({ name }) => name))
  const unknown = only.find((name) => !names.has(name))
  if (unknown !== undefined)
    throw new UsageError(`there is no component ${JSON.stringify(unknown.slice(0, 60))} (${[...names].join(', ')})`)
  return ordered.toReversed().filter(({ name }) => only.includes(name))
}

/** Those that stand on what goes, are there, and were not named. */
export const leftHanging = (ordered: readonly Component[], going: readonly Component[], there: ReadonlySet<string>): string[] =>
  [...new Set(going.flatMap(({ name }) => needing(name, ordered)))].filter(
    (name) => there.has(name) && !going.some((one) => one.name === name),
  )

export interface TeardownOptions {
  journal: Journal
  emit: (removed: Removed | { name: string; what: 'removes'; ms: number }) => void
  everyMs?: number
}

/** Removes them one after the other, and looks afterwards. What doesn't go is named, and the others are removed all the same. */
export async function teardown(going: readonly Component[], ctx: ClusterContext, options: TeardownOptions): Promise<Removed[]> {
  const done: Removed[] = []
  for (const component of going) {
    const one = await removeOne(component, going, ctx, options)
    if (['removed', 'goes', 'nothing'].includes(one.what))
      options.journal.change((state) => {
        const { [component.name]: _, ...components } = state.components
        return { ...state, components }
      })
    options.emit(one)
    done.push(one)
  }
  return done
}

async function removeOne(
  component: Component,
  going: readonly Component[],
  ctx: ClusterContext,
  { journal, emit, everyMs = 500 }: TeardownOptions,
): Promise<Removed> {
  const { name } = component
  const started = performance.now()
  const end = (what: Removed['what'], { reason, evidence, unreachable }: Partial<Seen> = {}): Removed => ({
    ...{ name, what, ms: Math.round(performance.now() - started) },
    ...(reason && { reason }),
    ...(evidence?.length && { evidence }),
    ...(unreachable && { unreachable }),
  })
  const ground = going.find((one) => one.withoutCluster && mayGo(one, ctx) && one !== component)
  const away = (reason: string): Removed =>
    ground ? end('goes', { reason: `with ${ground.name}: ${reason}` }) : end('left', { reason, unreachable: true })
  if (!component.remove || !mayGo(component, ctx)) return end('stays')
  const before = await look(component, ctx)
  if (before.state === 'absent') return end('nothing')
  if (before.unreachable && !component.withoutCluster) return away(before.reason ?? '')
  emit({ name, what: 'removes', ms: 0 })
  // whatever becomes of this: nobody builds up again what a person takes down
  journal.change((state) => unwanted(state, name))
  try {
    await unlessInterrupted(component.remove(ctx), ctx.signal)
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason
    if (error instanceof UnreachableError && !component.withoutCluster) return away(error.message)
    return end('left', { ...(await look(component, ctx)), reason: messageOf(error).split('\n')[0]! })
  }
  const late = performance.now() + (component.settlesWithinMs ?? 120_000)
  for (;;) {
    const seen = await look(component, ctx)
    if (seen.state === 'absent') return end('removed')
    if (performance.now() + everyMs > late)
      return end('left', { ...seen, reason: `it was removed, and is ${seen.state}${seen.reason ? `: ${seen.reason}` : ''}` })
    await sleep(everyMs, undefined, { signal: ctx.signal })
  }
}

function unwanted(state: ClusterState, name: string): ClusterState {
  const record = state.components[name]
  return record ? { ...state, components: { ...state.components, [name]: { ...record, wanted: false } } } : state
}

/** The second confirmation, where data goes. RaibidError says what is lost and what to type. */
export function confirmed(losing: readonly Component[], name: string, given: { yes: boolean; iMean?: string | undefined }): void {
  if (!given.yes) throw new RaibidError('nothing was removed: give --yes when this is what you want')
  if (!losing.length) return
  if (given.iMean === undefined)
    throw new RaibidError(`nothing was removed: data would be lost for good. When you mean it, add --i-mean ${name}`)
  if (given.iMean !== name)
    throw new UsageError(
      `--i-mean: this cluster is called ${JSON.stringify(name)}, not ${JSON.stringify(given.iMean.slice(0, 80))}; nothing was removed`,
    )
}
