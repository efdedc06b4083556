import { $ as zx, type ProcessOutput } from 'zx'
import { step } from './cli/log.ts'

/** zx's `$` for commands that only look: quiet, so that what they print is the caller's to show. */
export const $ = zx({ quiet: true })

/** Hides secrets in a text that is about to be printed. */
export const mask = (text: string, secrets: readonly string[]): string =>
  // Longest first: one secret may be part of another.
  [...secrets]
    .filter(Boolean)
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, '***'), text)

export interface MutateOptions {
  dryRun?: boolean
  /** Values that the log must not show. */
  secrets?: readonly string[]
  cwd?: string
  signal?: AbortSignal
}

/**
 * A `$` for commands that change something: says each one on stderr before it runs it, and on a dry run only says it (`[dry-run] …`)
 * and returns null.
 */
export function mutate({ dryRun = false, secrets = [], cwd, signal }: MutateOptions = {}) {
  const options = { quiet: true, ...(cwd && { cwd }), ...(signal && { signal }) }
  return async (pieces: TemplateStringsArray, ...args: unknown[]): Promise<ProcessOutput | null> => {
    // Halted, so that it is zx that quotes what is shown.
    const command = zx({ ...options, halt: true })(pieces, ...args)
    step(`${dryRun ? '[dry-run] ' : ''}${mask(command.cmd, secrets)}`)
    return dryRun ? null : command.run()
  }
}
