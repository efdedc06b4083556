import { spawn, type ChildProcess } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '#lib/config.ts'
import { notedAgents, runningPool } from '#lib/pool/state.ts'
import { isSameProcess } from '#lib/processes.ts'

export interface PoolProcessOptions {
  home: string
  /** The whole environment of supervisor and agents. */
  env: NodeJS.ProcessEnv
  max: number
  log: string
}

/** The pool under test: `just up --foreground` as a process of its own, started again whenever it is gone. */
export function startPoolProcess({ home, env, max, log }: PoolProcessOptions) {
  const out = openSync(log, 'a')
  const alive = new Set<ChildProcess>()
  let wanted = true

  /** Starts one more supervisor; when one runs already, it must refuse. Resolves to its exit code, null when a signal ended it. */
  function start(): Promise<number | null> {
    const args = [join(root, 'tasks/pool/up.ts'), '--foreground', '--no-serve', '--max', String(max)]
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', out, out] })
    alive.add(child)
    return new Promise((resolve) => {
      const ended = (code: number | null): void => {
        alive.delete(child)
        resolve(code)
      }
      child.once('exit', ended)
      child.once('error', () => ended(1))
    })
  }

  const watching = (async () => {
    while (wanted) {
      if (alive.size === 0) void start()
      await sleep(50)
    }
  })()

  const pid = (): number | null => runningPool(home)?.pid ?? null
  return {
    home,
    env,
    pid,
    start,
    /** A signal to the supervisor; false when there is none. */
    signal(which: NodeJS.Signals): boolean {
      const supervisor = pid()
      return supervisor !== null && kill(supervisor, which)
    },
    /** The process of an agent, known by its name; null when it is gone. */
    agent(name: string): number | null {
      const note = notedAgents(home).find((one) => one.name === name)
      return note && isSameProcess(note.pid, note.startTime) ? note.pid : null
    },
    agents: (): string[] => notedAgents(home).map(({ name }) => name),
    /** Lets running jobs end, then is down. Gives what had to be killed after `ms`. */
    async stop(ms: number): Promise<number> {
      wanted = false
      await watching
      for (const child of alive) child.kill('SIGTERM')
      for (const end = Date.now() + ms; alive.size > 0 && Date.now() < end;) await sleep(20)
      const stuck = alive.size
      for (const child of alive) child.kill('SIGKILL')
      return stuck
    },
  }
}

export type PoolProcess = ReturnType<typeof startPoolProcess>

/** Sends a signal; false when the process is gone. */
export function kill(pid: number, which: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, which)
  } catch {
    return false
  }
}
