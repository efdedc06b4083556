import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `work` with what it opens registered here; all of it is closed afterwards, the last first, whatever happened. */
export async function scratch<T>(signal: AbortSignal, work: (open: Scratch) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'raibid-bench-'))
  const closing: (() => unknown)[] = []
  const open: Scratch = {
    folder,
    signal,
    onClose: (close) => void closing.push(close),
  }
  try {
    return await work(open)
  } finally {
    for (const close of closing.reverse()) await Promise.resolve(close()).catch(() => {})
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

export interface Scratch {
  /** A temporary folder, removed in the end. */
  folder: string
  signal: AbortSignal
  onClose: (close: () => unknown) => void
}
