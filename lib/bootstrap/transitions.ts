import { RaibidError } from '#lib/errors.ts'
import { emptyRecord, type ClusterState, type StateName } from './state.ts'

/** Where each state may go. Work that was interrupted without a word (a power cut) is found again by the check: hence the ways out of it. */
const ways: Readonly<Record<StateName, readonly StateName[]>> = {
  absent: ['deploying', 'healthy', 'degraded', 'needs-human'],
  deploying: ['healthy', 'failed', 'absent', 'degraded'],
  healthy: ['degraded', 'absent', 'repairing'],
  degraded: ['repairing', 'deploying', 'healthy', 'absent', 'needs-human'],
  repairing: ['healthy', 'failed', 'degraded', 'absent'],
  failed: ['deploying', 'repairing', 'healthy', 'degraded', 'absent', 'needs-human'],
  'needs-human': ['healthy', 'deploying', 'repairing', 'absent', 'degraded'],
}

const remembered = 500

/** The state with one component gone over to another one, and noted; as it was when it was there already. RaibidError for a way that there is not. */
export function move(
  state: ClusterState,
  component: string,
  to: StateName,
  now: number,
  reason: string | null = null,
): ClusterState {
  const before = state.components[component] ?? emptyRecord(now)
  if (before.state === to) {
    if (before.reason === reason) return state
    return { ...state, components: { ...state.components, [component]: { ...before, reason } } }
  }
  if (!ways[before.state].includes(to)) throw new RaibidError(`${component} can't go from ${before.state} to ${to}`)
  // what failed before says nothing about what is healthy now
  const fresh = to === 'healthy' ? { failures: 0, notBefore: 0 } : {}
  const wanted = before.wanted || to === 'healthy' || to === 'deploying' || to === 'repairing'
  // a person has dealt with it: what was before is no sign of thrashing
  const again = before.state === 'needs-human' ? { repaired: [] } : {}
  return {
    ...state,
    components: { ...state.components, [component]: { ...before, ...fresh, ...again, wanted, state: to, since: now, reason } },
    transitions: [...state.transitions, { at: now, component, from: before.state, to, reason }].slice(-remembered),
  }
}

/** The same, with what was found. What waits for a person goes on doing so until it is healthy or gone. */
export function found(
  state: ClusterState,
  component: string,
  seen: { state: 'absent' | 'healthy' | 'degraded'; reason?: string },
  now: number,
): ClusterState {
  const before = state.components[component]?.state ?? 'absent'
  const reason = seen.state === 'healthy' ? null : (seen.reason ?? null)
  // a repair that failed is not forgotten by looking again
  if ((before === 'needs-human' || before === 'failed') && seen.state !== 'healthy') return state
  return move(state, component, seen.state, now, reason)
}
