/** Real pipes for the output of steps, made ahead of their use. */
import { execFile } from 'node:child_process'
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Pipe {
  readEnd: number
  writeEnd: number
}

/** Folders of pipes that are being made: an agent that leaves meanwhile takes them along (found by chaos, seed 4001). */
const unfinished = new Set<string>()
process.once('exit', () => unfinished.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** Made ahead of its use, for it takes the start of a program; another follows as soon as it is taken. */
let spare: Promise<Pipe> | undefined

/** A pipe for one process. The caller closes both ends. */
export function openPipe(): Promise<Pipe> {
  const taken = spare ?? makePipe()
  spare = undefined
  setImmediate(preparePipe)
  return taken
}

/** Makes the next pipe. Harmless to repeat. */
export function preparePipe(): void {
  spare ??= makePipe()
  // whoever takes it sees the failure
  spare.catch(() => (spare = undefined))
}

/**
 * A real pipe, for stdout and stderr alike: that keeps their order. Node's own "pipes" are sockets, which programs can't open as
 * /dev/stderr; and it has no pipe(2), so this one is a FIFO that loses its name at once.
 */
async function makePipe(): Promise<Pipe> {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-pipe-'))
  unfinished.add(folder)
  try {
    const path = join(folder, 'pipe')
    await promisify(execFile)('mkfifo', ['-m', '600', path], { env: { PATH: process.env['PATH'] } })
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return { readEnd, writeEnd: openSync(path, constants.O_WRONLY) }
  } finally {
    await rm(folder, { recursive: true, force: true })
    unfinished.delete(folder)
  }
}
