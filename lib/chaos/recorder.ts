import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { env } from '#lib/contract.ts'
import { notes } from '#lib/pool/state.ts'
import { processes } from '#lib/proc.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keys } from '#lib/queue/keys.ts'
import { pairs } from '#lib/queue/parse.ts'
import { isFinal, type JobState } from '#lib/queue/types.ts'
import type { AgentSample, Change } from './facts.ts'
import { sampleQueue, type Sample } from './sample.ts'

const sampleEvery = 100

/** Reads all that happens, past the proxy: every change of state, and many times a second the queue and the processes. */
export function startRecorder(redisUrl: string, home: string) {
  const [redis, events] = [connectLasting(redisUrl), connectLasting(redisUrl)]
  const changes: Change[] = []
  /** The last change of every job that is not at its end. */
  const open = new Map<string, Change>()
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
        if (isFinal(state as JobState) || state === 'gone') open.delete(job)
        else open.set(job, change)
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
    runningNow: (): Change[] => [...open.values()].filter(({ state }) => state === 'running' || state === 'cancelling'),
    /** How many jobs the changes show that are not at their end. */
    unfinished: (): number => open.size,
    async stop(): Promise<void> {
      ended = true
      for (const connection of [events, redis]) connection.disconnect()
      await running
    },
  }
}

export type Recorder = ReturnType<typeof startRecorder>

/**
 * Counts the living agents that the supervisors of `home` started. Between fork and exec a process still looks like its parent: so what an
 * agent starts is none, and what a supervisor starts is looked at again.
 */
export function agentsOf(home: string): () => number {
  const looks = new Map<string, number>()
  const spares = (): string[] => notes(home).flatMap((note) => (note.spare ? note.name : []))
  return () => {
    const before = spares()
    const found = processes().filter(({ pid, startTime }) => {
      const key = `${pid} ${startTime}`
      const looked = looks.get(key) ?? 0
      if (looked >= 4) return false
      const is = isLocalAgent(pid, home)
      if (!is) looks.set(key, looked + 1)
      return is
    })
    const pids = new Set(found.map(({ pid }) => pid))
    // one that was started or has ended meanwhile is known before or after
    const known = new Set([...before, ...spares()])
    const isSpare = (pid: number): boolean => known.size > 0 && known.has(nameOf(pid))
    return found.filter(({ parent, session, pid }) => !pids.has(parent) && session === pid && !isSpare(pid)).length
  }
}

/** Of an agent; empty when it has ended. */
function nameOf(pid: number): string {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    return environment.find((entry) => entry.startsWith(`${env.agent}=`))?.slice(env.agent.length + 1) ?? ''
  } catch {
    return ''
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
