import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { env } from '#lib/contract.ts'
import { processes } from '#lib/proc.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keys } from '#lib/queue/keys.ts'
import { pairs } from '#lib/queue/parse.ts'
import type { AgentSample, Change } from './facts.ts'
import { sampleQueue, type Sample } from './sample.ts'

const sampleEvery = 100

/** Reads all that happens, past the proxy: every change of state, and many times a second the queue and the processes. */
export function startRecorder(redisUrl: string, home: string) {
  const [redis, events] = [connectLasting(redisUrl), connectLasting(redisUrl)]
  const changes: Change[] = []
  const samples: Sample[] = []
  const agents: AgentSample[] = []
  const listeners = new Set<(change: Change) => void>()
  let ended = false

  async function follow(): Promise<void> {
    let last = '0-0'
    while (!ended) {
      const reply = await events.xread('COUNT', 1000, 'BLOCK', 1000, 'STREAMS', keys.events, last).catch(() => null)
      for (const [id, flat] of (reply?.[0]?.[1] ?? []) as [string, string[]][]) {
        last = id
        const { id: job = '', state = '', attempt, actor = '', reason = '', at } = pairs(flat)
        const change = { job, state, attempt: Number(attempt), actor, reason, at: Number(at) }
        changes.push(change)
        for (const tell of listeners) tell(change)
      }
      if (!reply) await sleep(20)
    }
  }

  async function look(): Promise<void> {
    const isAgent = agentsOf(home)
    for (let round = 0; !ended; round++) {
      const sample = await sampleQueue(redis).catch(() => null) // Redis is down: nothing to see
      if (sample) samples.push(sample)
      if (round % 3 === 0) agents.push({ at: Date.now(), agents: isAgent() })
      await sleep(sampleEvery)
    }
  }

  const running = Promise.all([follow(), look()])

  return {
    redis,
    changes,
    samples,
    agents,
    /** Calls back at each change from now on, until the returned function is called. */
    on(tell: (change: Change) => void): () => void {
      listeners.add(tell)
      return () => void listeners.delete(tell)
    },
    /** The first change from now on that fits; null when none came within `ms`. */
    next(fits: (change: Change) => boolean, ms: number): Promise<Change | null> {
      return new Promise((resolve) => {
        const done = (change: Change | null): void => {
          clearTimeout(timer)
          off()
          resolve(change)
        }
        const off = this.on((change) => fits(change) && done(change))
        const timer = setTimeout(done, ms, null)
      })
    },
    /** Who runs what now, as far as the changes tell. */
    runningNow(): Change[] {
      const last = new Map(changes.map((change) => [change.job, change]))
      return [...last.values()].filter((change) => change.state === 'running' || change.state === 'cancelling')
    },
    async stop(): Promise<void> {
      ended = true
      await Promise.race([running, sleep(1500)])
      redis.disconnect()
      events.disconnect()
    },
  }
}

export type Recorder = ReturnType<typeof startRecorder>

/** Counts the living agents that the supervisors of `home` started. A process is looked at until it is known for what it is. */
export function agentsOf(home: string): () => number {
  const known = new Map<string, { is: boolean; looks: number }>()
  return () => {
    let count = 0
    for (const { pid, startTime } of processes()) {
      const key = `${pid} ${startTime}`
      const seen = known.get(key) ?? { is: false, looks: 0 }
      // between fork and exec an agent still looks like its supervisor
      if (!seen.is && seen.looks < 4) known.set(key, { is: isLocalAgent(pid, home), looks: seen.looks + 1 })
      if (known.get(key)?.is) count++
    }
    return count
  }
}

function isLocalAgent(pid: number, home: string): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('agent/main.ts')) return false
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`
    return environment.includes(`\0${env.home}=${home}\0`) && environment.includes(`\0${env.agent}=local-`)
  } catch {
    return false
  }
}
