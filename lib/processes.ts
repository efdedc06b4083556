/** Facts about this machine's processes, through /proc (Linux), and the end of all processes that carry a mark in their environment. */
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { factsOf, processes, type Facts } from './proc.ts'

/** When a process started, in clock ticks since boot: with the pid it names a process uniquely. Null: gone or a zombie. */
export const startTimeOf = (pid: number): string | null => factsOf(pid)?.startTime ?? null

/** Whether the process that had this pid and start time still runs. */
export const isSameProcess = (pid: number, startTime: string): boolean => startTimeOf(pid) === startTime

/** Processes that have long had no environment, by when they started and where it would be: an exec puts it elsewhere. */
const bare = new Map<number, string>()
const bareKey = ({ startTime, bareAt }: Facts): string => `${startTime} ${bareAt}`
const nothing = new Int32Array(new SharedArrayBuffer(4))

/** The environment a process was started with, each variable between NULs; empty when there is none now, null when it may not be seen. */
function environmentOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, 'latin1')
    return text === '' ? '' : `\0${text}\0`
  } catch {
    return null
  }
}

/** Servers that write their title over their environment (redis, nginx, postgres) are known by where they are. */
function isInside(pid: number, folder: string): boolean {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${folder}/`)
  } catch {
    return false
  }
}

/** Those whose environment has the entry, or who have none and work in the folder. */
function markedAmong(all: Facts[], entry: RegExp, folder?: string): Facts[] {
  const found: Facts[] = []
  let open = all
  // In the middle of an exec a process has no environment to be read; a moment later, on a busy machine many moments later, it has.
  for (let look = 0; look < 50 && open.length > 0; look++) {
    if (look > 0) Atomics.wait(nothing, 0, 0, 1)
    open = open.filter((facts) => {
      const environment = environmentOf(facts.pid)
      const inside = folder !== undefined && !environment?.includes('=') && isInside(facts.pid, folder)
      if (inside || (environment && entry.test(environment))) found.push(facts)
      else if (environment === '') {
        const now = factsOf(facts.pid)
        return now !== null && now.alive && !(now.bareAt !== null && bare.get(now.pid) === bareKey(now))
      }
      return false
    })
  }
  if (bare.size > 10_000) bare.clear()
  for (const facts of open.flatMap(({ pid }) => factsOf(pid) ?? [])) if (facts.bareAt) bare.set(facts.pid, bareKey(facts))
  return found
}

/** While bash starts, it overwrites each `=` of its environment by NUL for a moment. */
function entryOf(variable: string, value: string): RegExp {
  const [name, text] = [variable, value].map((part) => RegExp.escape(Buffer.from(part).toString('latin1')))
  return new RegExp(`\\0${name}[=\\0]${text}\\0`)
}

/** All processes but our own whose environment holds exactly `variable=value`. */
export const findMarked = (variable: string, value: string): number[] =>
  markedAmong(processes(), entryOf(variable, value)).map((facts) => facts.pid)

export interface EndOptions {
  /** Time between TERM and KILL; 0: KILL at once. */
  graceMs: number
  /** Leaders of process groups and sessions that belong to the mark as well. */
  groups?: number[]
  /** Processes without a readable environment that work in this folder belong to the mark as well. */
  folder?: string
}

/**
 * Ends everything that carries the mark, with all descendants and all members of the sessions it opened: TERM once, KILL after
 * `graceMs`. Resolves when nothing is left, at the latest 5 s after the first KILL, to the number of processes still alive.
 */
export async function endMarked(variable: string, value: string, { graceMs, groups = [], folder }: EndOptions): Promise<number> {
  const entry = entryOf(variable, value)
  const leaders = new Set(groups)
  const known = new Map<number, string>()
  const look = (): Facts[] => belonging(processes(), leaders, known, (some) => markedAmong(some, entry, folder))
  const begin = performance.now()
  for (let round = 0; ; round++) {
    const alive = look()
    const elapsed = performance.now() - begin
    if (alive.length === 0 || elapsed > graceMs + 5000) return alive.length
    if (elapsed >= graceMs) send(freeze(alive, leaders, look), leaders, 'SIGKILL')
    // Once: what is started after the TERM is likely somebody's clean-up, which has until the KILL.
    else if (round === 0) {
      const all = freeze(alive, leaders, look)
      send(all, leaders, 'SIGTERM')
      send(all, leaders, 'SIGCONT')
    }
    await sleep(elapsed < 20 ? 5 : 20)
  }
}

/** Stops them all, those born meanwhile included: a child that has no mark of its own is known only while its parent lives. */
function freeze(alive: Facts[], leaders: Set<number>, look: () => Facts[]): Facts[] {
  for (let round = 0; round < 20; round++) {
    send(alive, leaders, 'SIGSTOP')
    const before = new Set(alive.map((facts) => facts.pid))
    alive = look()
    if (alive.every((facts) => before.has(facts.pid))) break
  }
  return alive
}

/** Those of `all` that are known or marked, lead or follow a known session or group, or descend from one that does. Remembers them. */
function belonging(all: Facts[], leaders: Set<number>, known: Map<number, string>, marked: (some: Facts[]) => Facts[]): Facts[] {
  const isKnown = (facts: Facts): boolean => known.get(facts.pid) === facts.startTime
  const begin = [...all.filter(isKnown), ...marked(all.filter((facts) => !isKnown(facts)))]
  const found = new Map(begin.map((facts) => [facts.pid, facts]))
  let rest = all.filter((facts) => !found.has(facts.pid))
  for (let before = -1; before !== found.size;) {
    before = found.size
    for (const facts of found.values()) if (facts.session === facts.pid) leaders.add(facts.pid)
    rest = rest.filter((facts) => {
      if (!found.has(facts.parent) && !leaders.has(facts.session) && !leaders.has(facts.group)) return true
      found.set(facts.pid, facts)
      return false
    })
  }
  for (const facts of found.values()) known.set(facts.pid, facts.startTime)
  return [...found.values()]
}

/** To whole groups where possible: a group can't grow while it is being signalled. Nobody gets the signal twice. */
function send(alive: Facts[], leaders: Set<number>, signal: NodeJS.Signals): void {
  const whole = new Set(alive.map((facts) => facts.group).filter((group) => leaders.has(group)))
  const targets = [
    ...[...whole].map((group) => -group),
    ...alive.filter((facts) => !whole.has(facts.group)).map((facts) => facts.pid),
  ]
  for (const target of targets) {
    try {
      process.kill(target, signal)
    } catch {
      // Gone in the meantime, or not ours to end: the next look tells.
    }
  }
}
