import type { AgentView } from '#lib/queue/reader.ts'

export interface Silent {
  agent: string
  /** How long it has been silent, as far as we saw, ms. */
  ms: number
  /** It holds a job. */
  holds: boolean
}

/**
 * Tells which living agents are silent for too long: with a job, shortly before its lease ends; without one (hung before its claim or
 * behind its result, or never heard of), after two leases. Silence counts from when *we* saw it, look by look, while Redis answered: after
 * an outage, theirs or ours, every beat is old, and nobody is to blame for it. `blind`: a pause between two looks after which what we know of
 * anybody's silence is worth nothing, ms.
 */
export function silenceWatch(lease: number, blind = lease / 5) {
  const since = new Map<string, { last: string; at: number }>()
  let looked = 0
  return {
    look(alive: readonly string[], views: readonly AgentView[], now: number): Silent[] {
      // we were stopped or cut off ourselves
      if (now - looked > blind) since.clear()
      looked = now
      for (const agent of since.keys()) if (!alive.includes(agent)) since.delete(agent)
      return alive.flatMap((agent) => {
        const view = views.find((one) => one.agent === agent)
        const last = view ? `${view.job} ${view.beatAt}` : ''
        const before = since.get(agent)
        if (before?.last !== last) since.set(agent, { last, at: now })
        const ms = now - since.get(agent)!.at
        const holds = Boolean(view?.job)
        return ms > lease * (holds ? 0.75 : 2) ? { agent, ms, holds } : []
      })
    },
    forget: () => since.clear(),
  }
}
