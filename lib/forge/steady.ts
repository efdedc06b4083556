import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '#lib/errors.ts'
import { RefusedError } from './errors.ts'

/** Between two tries, ms: a Gitea that is started anew is back by then. */
const usual = [250, 500, 1000, 2000, 4000, 8000]

/**
 * A call that may be repeated, until it is answered: a forge that is away, too busy, or failed in itself is asked again. Throws what the last
 * try threw; a refusal at once, and an AbortError when told to stop.
 */
export async function steady<T>(call: () => Promise<T>, signal?: AbortSignal, waits: readonly number[] = usual): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call()
    } catch (error) {
      const wait = waits[tries]
      if (signal?.aborted || wait === undefined || !mayPass(error)) throw error
      const asked = error instanceof RefusedError ? error.retryAfterMs : null
      await sleep(Math.min(asked ?? wait, 60_000), undefined, { signal })
    }
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof RefusedError && (error.status === 429 || error.status >= 500))
