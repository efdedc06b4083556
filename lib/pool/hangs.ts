import type { Redis } from 'ioredis'
import { pause } from '#lib/queue/keeper.ts'
import type { Reader } from '#lib/queue/reader.ts'
import type { Agents } from './agents.ts'

export interface HangOptions {
  reader: Reader
  redis: Redis
  agents: Agents
  lease: number
  signal: AbortSignal
  say: (text: string) => void
}

/**
 * Kills an agent of ours that is alive but silent (stopped, swapped out, stuck) shortly before its lease ends, so that its steps are gone
 * before its job runs elsewhere. One that is silent without a job (it hung before its claim, behind its result, or its job was taken from it)
 * counts as an agent for the jobs that wait, and would never take one: it is killed after two leases. Silence is counted from when *we* saw
 * it while Redis answered: after an outage every beat is old.
 */
export async function watchHangs({ reader, redis, agents, lease, signal, say }: HangOptions): Promise<void> {
  const silentSince = new Map<string, { last: string; since: number }>()
  let seen = Date.now()
  while (!signal.aborted) {
    await pause(lease / 15, signal)
    if (signal.aborted) return
    try {
      if (redis.status !== 'ready') {
        silentSince.clear()
        continue
      }
      const views = await reader.agents()
      // we were stopped or cut off ourselves: what we know of anybody's silence is worth nothing
      if (Date.now() - seen > lease / 5) silentSince.clear()
      seen = Date.now()
      const mine = new Map(agents.names().map((name) => [name, views.find(({ agent }) => agent === name)]))
      for (const [agent, view] of mine) {
        const last = view ? `${view.job} ${view.beatAt}` : ''
        const before = silentSince.get(agent)
        if (before?.last !== last) silentSince.set(agent, { last, since: seen })
        else if (seen - before.since > lease * (view?.job ? 0.75 : 2)) {
          say(`agent ${agent} has been silent for ${Math.round((seen - before.since) / 1000)} s: killed`)
          agents.signal(agent, 'SIGKILL')
        }
      }
      for (const agent of silentSince.keys()) if (!mine.has(agent)) silentSince.delete(agent)
    } catch {
      silentSince.clear()
    }
  }
}
