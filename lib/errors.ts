/**
 * The errors that carry an exit code (DESIGN §8). A library throws one of these with a whole sentence: what went wrong, with
 * which value, and what to do; lib/cli/main.ts prints the sentence and sets the code. Anything else that is thrown is a bug.
 */
export class RaibidError extends Error {
  override name = 'RaibidError'
  /** Exit code of a task that ends with this error. */
  readonly exitCode: number = 1
}

/** The command line, a name or a file given by the user is wrong. */
export class UsageError extends RaibidError {
  override name = 'UsageError'
  override readonly exitCode = 2
}

/** Redis, Gitea, Kubernetes, … can't be reached: the message names it with its URL and says what to do. */
export class UnreachableError extends RaibidError {
  override name = 'UnreachableError'
  override readonly exitCode = 3
}

/** The person (or the system) asked us to stop. */
export class InterruptedError extends RaibidError {
  override name = 'InterruptedError'
  override readonly exitCode = 130
}

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
