/** Runs one step of a pipeline: a bash script in the workspace. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'
import { runProcess, type ProcessOptions, type ProcessResult } from './run-process.ts'

export type StepOptions = Omit<ProcessOptions, 'command' | 'args'> & {
  /** Run by `bash -eo pipefail`. */
  script: string
}

export type StepResult = ProcessResult

/** Linux takes no argument of more than 128 KiB. */
const longestArgument = 100_000

/**
 * Runs the script under `bash -eo pipefail`, stdin closed, stdout and stderr in one pipe. On timeout and abort the whole tree gets
 * TERM, then KILL after `graceMs`; after a normal exit, what is left in the background is ended the same way. A failing script is a
 * result, not an error. Throws RaibidError when bash can't be started, and whatever `onOutput` throws.
 */
export async function runStep({ script, ...options }: StepOptions): Promise<StepResult> {
  if (script.includes('\0')) throw new RaibidError('A step’s script contains a NUL character: remove it.')
  const run = (...args: string[]): Promise<StepResult> =>
    runProcess({ ...options, command: 'bash', args: ['-eo', 'pipefail', ...args] })
  if (Buffer.byteLength(script) <= longestArgument) return run('-c', script)

  const folder = await mkdtemp(join(tmpdir(), 'raibid-step-'))
  try {
    const file = join(folder, 'script')
    await writeFile(file, script, { mode: 0o600 })
    return await run(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
