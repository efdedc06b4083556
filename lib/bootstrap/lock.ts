import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { files } from '#lib/contract.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { knownProcess, type KnownProcess } from '#lib/pool/state.ts'
import { isSameProcess } from '#lib/processes.ts'

/**
 * Takes the right to change the cluster, and gives the function that gives it back. RaibidError names the process that has it; what a process
 * that is gone has left is taken over.
 */
export function lockCluster(home: string, verb: string): () => void {
  const file = join(home, files.clusterLock)
  const fresh = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, JSON.stringify({ ...knownProcess(process.pid), verb }), { mode: 0o600 })
    for (let tries = 0; !isTaken(fresh, file); tries++) {
      const holder = holderOf(file) ?? takeAway(file)
      if (holder)
        throw new RaibidError(
          `\`just ${holder.verb}\` is at work on the cluster (process ${holder.pid}): let it end, or end it first`,
        )
      if (tries > 100) throw new Error('others take it again and again')
    }
    sweep(dirname(file))
    return () => rmSync(file, { force: true })
  } catch (error) {
    if (error instanceof RaibidError) throw error
    throw new RaibidError(
      `${file} can't be made: ${messageOf(error)}; free some disk or correct its owner, and run the same again`,
    )
  } finally {
    if (existsSync(fresh)) rmSync(fresh)
  }
}

/** A link is there whole or not at all, and only one of two that make it does. */
function isTaken(fresh: string, file: string): boolean {
  try {
    linkSync(fresh, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** Takes away what nobody holds. Somebody may have taken it over just before: then it is put back, and gives who. */
function takeAway(file: string): Holder | null {
  const aside = `${file}.${process.pid}.old`
  try {
    renameSync(file, aside)
  } catch {
    return null
  }
  const holder = holderOf(aside)
  if (holder) isTaken(aside, file)
  rmSync(aside, { force: true })
  return holder
}

/** What those have left who were killed while they wrote. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^(?:lock|state\.json)\.(\d+)(?:\.old)?$/.exec(name)?.[1] ?? 0)
    if (pid > 0 && pid !== process.pid && !knownProcess(pid)) rmSync(join(folder, name), { force: true })
  }
}

type Holder = KnownProcess & { verb: string }

function holderOf(file: string): Holder | null {
  try {
    const noted = JSON.parse(readFileSync(file, 'utf8')) as Holder
    return isSameProcess(noted.pid, noted.startTime) ? noted : null
  } catch {
    return null
  }
}
