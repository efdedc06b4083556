import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { agentNodeFlags, env, files, spareFlag, stepEnv, type Orders } from '#lib/contract.ts'
import { endMarked } from '#lib/processes.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { ulid } from '#lib/ulid.ts'
import { forgetAgent, noteAgent } from './state.ts'

export interface LaunchOptions {
  root: string
  home: string
  redisUrl: string
  say: (text: string) => void
}

/** Starts the processes of agents, and removes what is left of one. */
export function createLauncher({ root, home, redisUrl, say }: LaunchOptions) {
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
  const log = openSync(join(home, files.poolLog), 'a', 0o600)
  const tmpOf = (name: string): string => join(home, files.tmp, name)

  /** Notes the agent, then starts it: with its orders, or as a spare that waits for them on its IPC channel. `flags`: of a spare. */
  function launch(orders: Orders | null, flags: string[] = []): { name: string; child: ChildProcess } {
    const name = `local-${ulid().slice(-10).toLowerCase()}`
    const own: Record<string, string> = {
      [env.home]: home,
      [env.redisUrl]: redisUrl,
      [env.agent]: name,
      ...(orders && { [env.pool]: orders.pool, [env.agentIdle]: String(Math.ceil(orders.idleMs / 1000)) }),
      // its own, so that whatever it leaves there when it is killed goes with it
      TMPDIR: tmpOf(name),
      MALLOC_ARENA_MAX: '2',
      NODE_COMPILE_CACHE: join(home, files.compileCache),
    }
    noteAgent(home, { name, pool: orders?.pool ?? '', pid: 0, startTime: '', ...(!orders && { spare: 'boots' }) })
    mkdirSync(tmpOf(name), { recursive: true, mode: 0o700 })
    const child = spawn(
      process.execPath,
      [...agentNodeFlags, join(root, 'agent/main.ts'), ...(orders ? [] : [spareFlag, ...flags])],
      {
        detached: true,
        stdio: ['ignore', log, log, ...(orders ? [] : ['ipc' as const])],
        env: { ...process.env, ...own },
      },
    )
    child.once('error', (error) => say(`an agent can't be started: ${error.message}`))
    // an agent must not keep a supervisor alive that is about to leave it behind
    child.unref()
    child.channel?.unref()
    return { name, child }
  }

  /** Its steps are ended before anyone else may run its job; then its folders go. */
  async function bury(name: string): Promise<void> {
    await endMarked(stepEnv.mark, name, { graceMs: 0 })
    await removeFolder(tmpOf(name)).catch(() => {})
    const work = join(home, files.work)
    for (const folder of readdirSyncOr(work)) {
      if (folder.startsWith(`${name}-`)) await removeFolder(join(work, folder)).catch(() => {})
    }
    // last: whoever is killed on the way leaves the rest to the next
    forgetAgent(home, name)
  }

  return { launch, bury }
}

export type Launcher = ReturnType<typeof createLauncher>

function readdirSyncOr(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
