/** The guard of an attempt: a small shell, waiting on a pipe, that ends the attempt's processes when the agent itself is killed. */
import { spawn } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RaibidError } from '#lib/errors.ts'

export interface Guard {
  /** The attempt ended well: the guard leaves without doing anything. Resolves when it is gone. */
  release(): Promise<void>
}

/**
 * Starts the guard. When this process dies without a release, everything that carries `mark` in RAIBID_MARK is killed, then the
 * folder `workspace` (an absolute path) is removed.
 */
export function startGuard({ mark, workspace }: { mark: string; workspace: string }): Guard {
  if (!isAbsolute(workspace) || workspace === '/' || mark === '') {
    throw new RaibidError(`A guard needs a mark and an absolute workspace: got ${JSON.stringify({ mark, workspace })}.`)
  }
  const script = fileURLToPath(new URL('guard.sh', import.meta.url))
  const child = spawn('/bin/sh', [script, workspace], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', RAIBID_GUARD_MARK: mark },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    // Without a guard a build still runs; only a killed agent's leftovers wait for the supervisor then.
    child.once('error', () => resolve())
  })
  child.stdin.on('error', () => {})
  child.unref()
  return {
    async release() {
      child.stdin.end('done\n')
      await gone
    },
  }
}
