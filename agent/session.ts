import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Job } from '#lib/queue/types.ts'
import type { Claimed, Worker } from '#lib/queue/worker.ts'

export interface SessionOptions {
  worker: Worker
  /** A connection that may block: opened when first needed. */
  bell: () => Redis
  pool: string
  maxJobs: number
  idleMs: number
  /** Aborted: no further claim. */
  leave: AbortSignal
  /**
   * Runs one job and reports it. `next` is a token when the agent will take another: what the report brought of it, where it could be asked for
   * in the same call.
   */
  run: (job: Job, token: string, next: string | null) => Promise<Claimed | null>
  /** Called when there is nothing to do. */
  onIdle: () => void
}

const wait = 2000

/** Claims and runs up to `maxJobs` jobs; leaves when nothing came for `idleMs`, or when asked to leave. Gives how many it ran. */
export async function session(options: SessionOptions): Promise<number> {
  const { worker, bell, pool, leave } = options
  let done = 0
  let token = newToken()
  let until = Date.now() + options.idleMs
  let brought: Claimed | null = null
  // a job that came with the last report is run, even by an agent that was asked to leave meanwhile
  while (brought?.kind === 'job' || (done < options.maxJobs && !leave.aborted)) {
    const claimed: Claimed | null = brought ?? (await worker.claim(token, pool).catch(refusedForNow))
    brought = null
    if (claimed === null) {
      if (Date.now() >= until) return done
      await untilAborted(pause(200), leave)
    } else if (claimed.kind === 'job') {
      const next = newToken()
      brought = await options.run(claimed.job, token, done + 1 < options.maxJobs && !leave.aborted ? next : null)
      done++
      token = next
      until = Date.now() + options.idleMs
    } else if (claimed.kind === 'gone') token = newToken()
    else if (Date.now() >= until) return done
    else {
      options.onIdle()
      await untilAborted(worker.waitForBell(bell(), pool, claimed.behind, Math.min(wait, until - Date.now())), leave)
    }
  }
  return done
}

/** A Redis that is full, that loads or can't write refuses a claim whole, and will take it later: that is no fault of the agent. */
function refusedForNow(error: unknown): null {
  if (!/^(?:OOM|MISCONF|LOADING|BUSY)/.test((error as Error).message)) throw error
  return null
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const newToken = (): string => randomBytes(16).toString('hex')

/** A wait for the bell ends with the signal, and a bell that breaks is just a wait that ended: the claim after it tells more. */
async function untilAborted(waiting: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = (): void => {}
  const aborted = new Promise<void>((resolve) => (stop = resolve))
  signal.addEventListener('abort', stop)
  await Promise.race([waiting.catch(() => pause(100)), aborted])
  signal.removeEventListener('abort', stop)
}
