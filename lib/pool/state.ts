import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { env, files } from '#lib/contract.ts'
import { findMarked, isSameProcess, startTimeOf } from '#lib/processes.ts'

/** A process that can be recognised later, even after its number was given to another. */
export interface KnownProcess {
  pid: number
  startTime: string
}

/** What a running pool tells of itself in `RAIBID_HOME/run/pool.json`. */
export interface PoolState extends KnownProcess {
  pools: Record<string, { max: number; warm: number }>
  startedAt: number
  /** It ends when its last agent has: no more agents are started. */
  stopping?: boolean
}

/** Written before the agent is started, with pid 0, so that no moment remains in which a supervisor that is killed leaves one unknown. */
export interface AgentNote extends KnownProcess {
  name: string
  pool: string
  /** It is no agent yet, and nobody counts it: a process that may become one. */
  spare?: 'boots' | 'ready'
}

/** Writes a file whole or not at all, readable by its owner only. */
export function writeWhole(path: string, text: string, { flush = false } = {}): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${process.pid}`
  try {
    writeFileSync(fresh, text, { mode: 0o600, flush })
    renameSync(fresh, path)
  } catch (error) {
    // a disk that is full has room for its name, and not for the text
    if (statSync(fresh, { throwIfNoEntry: false })?.isFile()) rmSync(fresh)
    throw error
  }
}

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return null
  }
}

/** The process as it can be recognised; null when it is gone. */
export function knownProcess(pid: number): KnownProcess | null {
  const startTime = startTimeOf(pid)
  return startTime === null ? null : { pid, startTime }
}

/** Signals the process, unless it is gone. */
export function tell({ pid, startTime }: KnownProcess, signal: NodeJS.Signals): void {
  try {
    if (isSameProcess(pid, startTime)) process.kill(pid, signal)
  } catch {
    // it has ended meanwhile
  }
}

/** The pool that runs here, or null. */
export function runningPool(home: string): PoolState | null {
  const state = readJson<PoolState>(join(home, files.pool))
  return state && isSameProcess(state.pid, state.startTime) ? state : null
}

export function notePool(home: string, state: PoolState): void {
  writeWhole(join(home, files.poolPid), `${state.pid}\n`)
  writeWhole(join(home, files.pool), JSON.stringify(state))
}

export function forgetPool(home: string): void {
  for (const file of [files.pool, files.poolPid]) rmSync(join(home, file), { force: true })
}

export const noteAgent = (home: string, note: AgentNote): void =>
  writeWhole(join(home, files.agents, note.name), JSON.stringify(note))
export const forgetAgent = (home: string, name: string): void => rmSync(join(home, files.agents, name), { force: true })

/** Agents noted by this or an earlier supervisor, alive or not. */
export const notedAgents = (home: string): AgentNote[] => notes(home).filter((note) => !note.spare)

/** The same with the spare. */
export function notes(home: string): AgentNote[] {
  const folder = join(home, files.agents)
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  // a name with a point is a note that was being written when its writer was killed
  return names.filter((name) => !name.includes('.')).flatMap((name) => readJson<AgentNote>(join(folder, name)) ?? [])
}

/** The note of an agent that lives, with its process; null when it is gone, or never came to be. */
export function livingAgent(home: string, note: AgentNote): AgentNote | null {
  if (note.pid !== 0) return isSameProcess(note.pid, note.startTime) ? note : null
  // its supervisor was killed while it started: it is the first of those that carry its name
  const found = findMarked(env.agent, note.name).flatMap((pid) => knownProcess(pid) ?? [])
  const [first] = found.sort((a, b) => Number(a.startTime) - Number(b.startTime))
  if (!first) return null
  const living = { ...note, ...first }
  noteAgent(home, living)
  return living
}
