import type { Redis } from 'ioredis'
import { pause } from '#lib/queue/keeper.ts'
import type { Reader } from '#lib/queue/reader.ts'
import type { Agents } from './agents.ts'
import { silenceWatch } from './silence.ts'

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
 * counts as an agent for the jobs that wait, and would never take one: it is killed after two leases.
 */
export async function watchHangs({ reader, redis, agents, lease, signal, say }: HangOptions): Promise<void> {
  const silence = silenceWatch(lease)
  while (!signal.aborted) {
    await pause(lease / 15, signal)
    if (signal.aborted) return
    try {
      if (redis.status !== 'ready') {
        silence.forget()
        continue
      }
      const views = await reader.agents()
      for (const { agent, ms } of silence.look(agents.names(), views, Date.now())) {
        say(`agent ${agent} has been silent for ${Math.round(ms / 1000)} s: killed`)
        agents.signal(agent, 'SIGKILL')
      }
    } catch {
      silence.forget()
    }
  }
}
