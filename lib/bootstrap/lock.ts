import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { files } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import { knownProcess, type KnownProcess } from '#lib/pool/state.ts'
import { isSameProcess } from '#lib/processes.ts'

/**
 * Takes the right to change the cluster, and gives the function that gives it back. RaibidError names the process that has it; what a process
 * that is gone has left is taken over.
 */
export function lockCluster(home: string, verb: string): () => void {
  const file = join(home, files.clusterLock)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, JSON.stringify({ ...knownProcess(process.pid), verb }), { mode: 0o600 })
  try {
    for (let tries = 0; ; tries++) {
      try {
        linkSync(fresh, file)
        return () => rmSync(file, { force: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 3) throw error
        const holder = holderOf(file)
        if (holder)
          throw new RaibidError(
            `\`just ${holder.verb}\` is at work on the cluster (process ${holder.pid}): let it end, or end it first`,
          )
        rmSync(file, { force: true })
      }
    }
  } finally {
    rmSync(fresh, { force: true })
  }
}

function holderOf(file: string): (KnownProcess & { verb: string }) | null {
  try {
    const noted = JSON.parse(readFileSync(file, 'utf8')) as KnownProcess & { verb: string }
    return isSameProcess(noted.pid, noted.startTime) ? noted : null
  } catch {
    return null
  }
}
