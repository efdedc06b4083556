import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { env, files, serveNodeFlags } from '#lib/contract.ts'

export interface ServeChildOptions {
  root: string
  home: string
  redisUrl: string
  say: (text: string) => void
}

const shortest = 1000
const longest = 60_000
/** After so long a life its end is not one of a row of failures. */
const settled = 60_000

/**
 * Keeps the control plane running beside the pool, as a process of its own: when it is down, queue and agents go on. It ends by itself when we are
 * killed, for its channel does.
 */
export function startServe({ root, home, redisUrl, say }: ServeChildOptions) {
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
  const log = openSync(join(home, files.serveLog), 'a', 0o600)
  let child: ChildProcess | null = null
  let stopped = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  function start(): void {
    const begun = Date.now()
    const own = { [env.home]: home, [env.redisUrl]: redisUrl }
    const running = spawn(process.execPath, [...serveNodeFlags, join(root, 'tasks/pool/serve.ts')], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...own },
      // a Ctrl-C in our terminal is for us to pass on
      detached: true,
    })
    child = running
    running.unref()
    running.channel?.unref()
    running.once('error', (error) => say(`serve can't be started: ${error.message}`))
    running.once('exit', (code, signal) => {
      child = null
      if (stopped) return
      failures = Date.now() - begun > settled ? 1 : failures + 1
      const wait = Math.min(longest, shortest * 2 ** (failures - 1))
      say(`serve ended (${signal ?? `exit ${code}`}); starting it again in ${wait} ms (its words: ${join(home, files.serveLog)})`)
      timer = setTimeout(start, wait)
      timer.unref()
    })
  }

  // one that was killed has left its own
  rmSync(join(home, files.serveUrl), { force: true })
  start()
  return {
    /** Asks it to end, and makes it after five seconds. */
    async stop(): Promise<void> {
      stopped = true
      clearTimeout(timer)
      const own = child
      if (!own) return
      const gone = once(own, 'exit')
      own.kill('SIGTERM')
      const late = setTimeout(() => own.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(late)
    },
  }
}
