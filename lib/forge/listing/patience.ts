import { setTimeout as sleep } from 'node:timers/promises'
import { RefusedError } from '../errors.ts'

/** Longer than GitHub's minute for a secondary limit; who is sent away for longer comes back with the next run. */
const longestWait = 65_000
const mostWaits = 2

/** Asks again when the forge said how long to wait, and that is not long. Throws what the call throws, and AbortError when it is told to stop. */
export async function patiently<T>(
  call: () => Promise<T>,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait?: ((ms: number, why: string) => void) | undefined },
): Promise<T> {
  for (let waits = 0; ; waits++) {
    try {
      return await call()
    } catch (error) {
      const ms = error instanceof RefusedError ? error.retryAfterMs : null
      if (ms === null || ms > longestWait || waits >= mostWaits) throw error
      onWait?.(ms, (error as Error).message)
      // their clock and ours are not quite the same
      await sleep(ms + 250, undefined, { signal })
    }
  }
}
