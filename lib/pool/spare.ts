import type { ChildProcess } from 'node:child_process'
import { rehearseFlag, type Orders } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import { giveBackMemory } from '#lib/give-back-memory.ts'
import { isSameProcess } from '#lib/processes.ts'
import type { Launcher } from './agent-process.ts'
import { versionOf } from './loaded-version.ts'
import { knownProcess, noteAgent, type AgentNote } from './state.ts'

export interface SpareOptions {
  root: string
  home: string
  launch: Launcher['launch']
  quiet: () => boolean // no agent is at work
  say: (text: string) => void
  /** Called when a process that is, or was, the spare has ended; `ours`: it was told to. */
  onExit: (note: AgentNote, end: { code: number | null; signal: string | null; ours: boolean }) => void
}

interface Booted {
  note: AgentNote
  child: ChildProcess
  ready: boolean
  version: string // of what it has read and loaded, as that was when it was started
  ours: boolean // it was told to end
  gone: Promise<void>
}

/** A spare is booted so long after an agent was started, for that one needs the machine now; and so soon when none was. */
const wait = { busy: 1500, quiet: 100, longest: 30_000, boot: 30_000 }

/**
 * Keeps one process ready to become an agent: node has booted, all modules are loaded. It is no agent: it has no connection and nobody
 * counts it, until `take` gives it its orders. Without a supervisor it ends by itself, for its channel does.
 */
export function createSpare({ root, home, launch, quiet, say, onExit }: SpareOptions) {
  let spare: Booted | null = null
  let timer: NodeJS.Timeout | undefined
  let kept = false
  /** Spares in a row that ended before they were ready. */
  let failed = 0
  let gaveBack = false

  /** Boots the next one after `ms`; a call replaces the one before. */
  function later(ms: number): void {
    clearTimeout(timer)
    if (!kept || spare) return
    timer = setTimeout(boot, Math.max(ms, failed ? Math.min(wait.longest, wait.busy * 2 ** failed) : 0))
    timer.unref()
  }

  function boot(): void {
    try {
      spare = booted()
    } catch (error) {
      say(`no spare agent could be started: ${messageOf(error)}`) // a full disk, most likely
      failed++
      later(wait.busy)
    }
  }

  function booted(): Booted {
    const version = versionOf(root, home)
    // with agents at work it would take their time, and be taken before it is through
    const { name, child } = launch(null, quiet() ? [rehearseFlag] : [])
    const known = child.pid ? knownProcess(child.pid) : null
    const note: AgentNote = { name, pool: '', pid: child.pid ?? 0, startTime: known?.startTime ?? '', spare: 'boots' }
    const gone = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => resolve(ended(code, signal)))
      if (!child.pid) setImmediate(() => resolve(ended(1, null)))
    })
    const own: Booted = { note, child, ready: false, version, ours: false, gone }
    const late = setTimeout(() => !own.ready && child.kill('SIGKILL'), wait.boot)
    late.unref()
    function ended(code: number | null, signal: string | null): void {
      if (spare === own) spare = null
      clearTimeout(late)
      if (!own.ready && !own.ours) failed++
      onExit(own.note, { code, signal, ours: own.ours })
      later(wait.busy)
    }
    child.once('message', () => {
      failed = 0
      own.ready = true
      own.note = { ...note, spare: 'ready' }
      remember(own.note)
      // we wait as well now, and a pool at rest should be small
      if (!gaveBack) gaveBack = giveBackMemory()
    })
    if (child.pid) remember(note)
    return own
  }

  /** What can't be written down (a full disk) is known well enough by the first note. */
  function remember(note: AgentNote): void {
    try {
      noteAgent(home, note)
    } catch (error) {
      say(`the note of the spare agent: ${messageOf(error)}`)
    }
  }

  /** Ends the spare, whatever it is at. */
  async function drop(): Promise<void> {
    const own = spare
    if (!own) return
    spare = null
    own.ours = true
    own.child.kill('SIGKILL')
    await own.gone
  }

  return {
    /** From now on there is one. */
    keep(): void {
      kept = true
      later(wait.quiet)
    },
    /** No other is booted; resolves when the one there is has ended. */
    close(): Promise<void> {
      kept = false
      clearTimeout(timer)
      return drop()
    },
    /** An agent was started otherwise: the next spare can wait. */
    busy: (): void => later(wait.busy),
    /** An agent has ended: the machine has time for a spare, unless another agent is started in its place. */
    quiet: (): void => later(wait.quiet),

    /** Makes the spare an agent with these orders: gives its note, or null when there is none that would do. */
    take({ pool, idleMs }: Orders): AgentNote | null {
      const own = spare
      if (!own?.ready || !own.child.connected || !isSameProcess(own.note.pid, own.note.startTime)) return null
      if (own.version !== versionOf(root, home)) {
        void drop()
        return null
      }
      const { name, pid, startTime } = own.note
      const note = { name, pool, pid, startTime }
      // before it can claim: it is an agent now, whoever is killed when
      noteAgent(home, note)
      own.note = note
      spare = null
      // one that has died meanwhile is seen by its end
      own.child.send({ pool, idleMs } satisfies Orders, () => {})
      later(wait.busy)
      return own.note
    },
  }
}
