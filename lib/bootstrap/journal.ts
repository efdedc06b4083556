import { putAside, readState, writeState, type ClusterState, type StateName } from './state.ts'
import { found, move } from './transitions.ts'
import type { Seen } from './look.ts'

/** The state of all components as it is written down: each change at once, so that a power cut loses none. */
export function journal(home: string, tell: (text: string) => void, now: () => number = Date.now) {
  let { state, damaged } = readState(home, tell)
  const lost = damaged && !state.settings
  const keep = (next: ClusterState): void => {
    if (next === state) return
    if (damaged) putAside(home)
    damaged = false
    state = next
    writeState(home, state)
  }
  return {
    state: (): ClusterState => state,
    /** Nobody knows any more which cluster it was. */
    lost,
    now,
    move: (name: string, to: StateName, reason: string | null = null): void => keep(move(state, name, to, now(), reason)),
    found: (name: string, seen: Seen): void => keep(found(state, name, seen, now())),
    change: (change: (state: ClusterState) => ClusterState): void => keep(change(state)),
  }
}

export type Journal = ReturnType<typeof journal>
