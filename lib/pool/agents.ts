import { isSameProcess } from '#lib/processes.ts'
import { createLauncher, type LaunchOptions } from './agent-process.ts'
import { createSpare } from './spare.ts'
import { knownProcess, livingAgent, noteAgent, notes, tell, type AgentNote } from './state.ts'

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

export interface AgentsOptions extends LaunchOptions {
  idleMs: (warm: boolean) => number
  /** Called when an agent has ended and everything it started is gone. */
  onEnd: (end: AgentEnd) => Promise<void>
}

/** The agents of this machine: starts them, sees each end, and leaves nothing of them behind. */
export function createAgents(options: AgentsOptions) {
  const { root, home } = options
  const alive = new Map<string, AgentNote>()
  const ending = new Set<Promise<void>>()
  const { launch, bury } = createLauncher(options)
  const spare = createSpare({
    root,
    home,
    launch,
    quiet: () => alive.size === 0,
    say: options.say,
    onExit(note, { code, signal, ours }) {
      if (ours) ended(note, 'not needed', true)
      else exited(note, code, signal)
    },
  })

  /** Starts an agent: the spare is it when there is one. */
  function start(pool: string, warm: boolean): void {
    const orders = { pool, idleMs: options.idleMs(warm) }
    const taken = spare.take(orders)
    if (taken) return void alive.set(taken.name, taken)
    const { name, child } = launch(orders)
    spare.busy()
    if (!child.pid) return void bury(name).catch(() => {})
    const note: AgentNote = { name, pool, pid: child.pid, startTime: knownProcess(child.pid)?.startTime ?? '' }
    alive.set(name, note)
    noteAgent(home, note)
    child.once('exit', (code, signal) => exited(note, code, signal))
  }

  const exited = (note: AgentNote, code: number | null, signal: string | null): void =>
    ended(note, signal ? `killed by ${signal}` : `exit ${code}`, code === 0, code !== 0 && !signal)

  function ended(note: AgentNote, how: string, clean: boolean, fault = false): void {
    const done = bury(note.name)
      .then(() => options.onEnd({ name: note.name, pool: note.pool, how, clean, fault }))
      .catch((error: unknown) => options.say(`after the end of agent ${note.name}: ${String(error)}`))
      .finally(() => {
        alive.delete(note.name)
        ending.delete(done)
        spare.quiet()
      })
    ending.add(done)
  }

  /** Takes over the agents of an earlier supervisor; those that died meanwhile end now. Gives how many live. */
  function adopt(): number {
    for (const noted of notes(home)) {
      const note = livingAgent(home, noted)
      if (noted.spare) {
        // it can't be reached any more; it ends by itself, unless something keeps it from that
        if (note) tell(note, 'SIGKILL')
        ended(noted, 'not needed', true)
        continue
      }
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
    if (note) tell(note, which)
  }

  return {
    start,
    adopt,
    signal,
    /** From now on one process is ready to become an agent; until `dropSpare`. */
    keepSpare: () => spare.keep(),
    dropSpare: () => spare.close(),
    names: () => [...alive.keys()],
    count: (pool: string) => [...alive.values()].filter((note) => note.pool === pool).length,
    signalAll: (which: NodeJS.Signals) => [...alive.keys()].forEach((name) => signal(name, which)),
    /** Resolves when every end seen so far has been dealt with. */
    settled: async () => void (await Promise.all(ending)),
  }
}

export type Agents = ReturnType<typeof createAgents>
