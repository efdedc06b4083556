import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { agentNodeFlags, env, files, stepEnv } from '#lib/contract.ts'
import { endMarked, isSameProcess } from '#lib/processes.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { ulid } from '#lib/ulid.ts'
import { forgetAgent, knownProcess, livingAgent, noteAgent, notedAgents, type AgentNote } from './state.ts'

export interface AgentEnd {
  name: string
  pool: string
  /** How it ended, in words. */
  how: string
  /** It ended by itself, as it should. */
  clean: boolean
  /** It ended by itself, as it should not: a broken install, a bad password. Being killed is no such sign. */
  fault: boolean
}

export interface AgentsOptions {
  root: string
  home: string
  redisUrl: string
  idleMs: (warm: boolean) => number
  /** Called when an agent has ended and everything it started is gone. */
  onEnd: (end: AgentEnd) => Promise<void>
  say: (text: string) => void
}

/** The agents of this machine: starts them, sees each end, and leaves nothing of them behind. */
export function createAgents(options: AgentsOptions) {
  const { root, home } = options
  const alive = new Map<string, AgentNote>()
  const ending = new Set<Promise<void>>()
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
  const tmpOf = (name: string): string => join(home, files.tmp, name)
  const log = openSync(join(home, files.poolLog), 'a', 0o600)

  function start(pool: string, warm: boolean): void {
    const name = `local-${ulid().slice(-10).toLowerCase()}`
    const own: Record<string, string> = {
      [env.home]: home,
      [env.redisUrl]: options.redisUrl,
      [env.agent]: name,
      [env.pool]: pool,
      [env.agentIdle]: String(Math.ceil(options.idleMs(warm) / 1000)),
      // its own, so that whatever it leaves there when it is killed goes with it
      TMPDIR: tmpOf(name),
      MALLOC_ARENA_MAX: '2',
      NODE_COMPILE_CACHE: join(home, files.compileCache),
    }
    noteAgent(home, { name, pool, pid: 0, startTime: '' })
    mkdirSync(tmpOf(name), { recursive: true, mode: 0o700 })
    const child = spawn(process.execPath, [...agentNodeFlags, join(root, 'agent/main.ts')], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...own },
    })
    child.once('error', (error) => options.say(`an agent can't be started: ${error.message}`))
    const known = child.pid ? knownProcess(child.pid) : null
    if (!child.pid) return void bury({ name, pool, pid: 0, startTime: '' }).catch(() => {})
    const note: AgentNote = { name, pool, pid: child.pid, startTime: known?.startTime ?? '' }
    alive.set(name, note)
    noteAgent(home, note)
    child.once('exit', (code, signal) =>
      ended(note, signal ? `killed by ${signal}` : `exit ${code}`, code === 0, code !== 0 && !signal),
    )
    // an agent must not keep a supervisor alive that is about to leave it behind
    child.unref()
  }

  function ended(note: AgentNote, how: string, clean: boolean, fault = false): void {
    const done = bury(note)
      .then(() => options.onEnd({ name: note.name, pool: note.pool, how, clean, fault }))
      .catch((error: unknown) => options.say(`after the end of agent ${note.name}: ${String(error)}`))
      .finally(() => {
        alive.delete(note.name)
        ending.delete(done)
      })
    ending.add(done)
  }

  /** Its steps are ended before anyone else may run its job; then its folders go. */
  async function bury(note: AgentNote): Promise<void> {
    await endMarked(stepEnv.mark, note.name, { graceMs: 0 })
    await removeFolder(tmpOf(note.name)).catch(() => {})
    const work = join(home, files.work)
    for (const folder of readdirSyncOr(work)) {
      if (folder.startsWith(`${note.name}-`)) await removeFolder(join(work, folder)).catch(() => {})
    }
    // last: whoever is killed on the way leaves the rest to the next
    forgetAgent(home, note.name)
  }

  /** Takes over the agents of an earlier supervisor; those that died meanwhile end now. Gives how many live. */
  function adopt(): number {
    for (const noted of notedAgents(home)) {
      const note = livingAgent(home, noted)
      if (!note) {
        ended(noted, 'gone while no supervisor ran', false)
        continue
      }
      alive.set(note.name, note)
      const timer = setInterval(() => {
        if (isSameProcess(note.pid, note.startTime)) return
        clearInterval(timer)
        ended(note, 'ended', true)
      }, 100)
      timer.unref()
    }
    return alive.size
  }

  const signal = (name: string, which: NodeJS.Signals): void => {
    const note = alive.get(name)
    // an agent that isn't there any more is seen by its end
    if (note && isSameProcess(note.pid, note.startTime)) process.kill(note.pid, which)
  }

  return {
    start,
    adopt,
    signal,
    names: () => [...alive.keys()],
    count: (pool: string) => [...alive.values()].filter((note) => note.pool === pool).length,
    signalAll: (which: NodeJS.Signals) => [...alive.keys()].forEach((name) => signal(name, which)),
    /** Resolves when every end seen so far has been dealt with. */
    settled: async () => void (await Promise.all(ending)),
  }
}

export type Agents = ReturnType<typeof createAgents>

function readdirSyncOr(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
