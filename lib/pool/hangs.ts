import type { Redis } from 'ioredis'
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
 * before its job runs elsewhere. Silence is counted from when *we* saw it while Redis answered: after an outage every beat is old.
 */
export async function watchHangs({ reader, redis, agents, lease, signal, say }: HangOptions): Promise<void> {
  const silentSince = new Map<string, { beat: number; since: number }>()
  let seen = Date.now()
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lease / 15)
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
    })
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
      const mine = new Set(agents.names())
      for (const { agent, job, beatAt } of views) {
        if (!mine.has(agent) || !job) continue
        const before = silentSince.get(agent)
        if (!before || before.beat !== beatAt) silentSince.set(agent, { beat: beatAt, since: seen })
        else if (seen - before.since > lease * 0.75) {
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
