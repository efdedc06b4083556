/** How many clones run at once: by host, by bytes, and so that small ones never wait for a big one. */

export interface LaneLimits {
  /** At once altogether, and from one host. */
  all: number
  perHost: number
  /** Bytes of those that run; a single bigger one runs too, but no second big one beside it. */
  bytes: number
}

export const usualLanes: LaneLimits = { all: 8, perHost: 4, bytes: 2 * 2 ** 30 }

interface Waiting {
  host: string
  bytes: number
  big: boolean
  start: () => void
}

/** `enter` resolves with what leaves again, when there is room; it rejects with the signal's reason. */
export function lanes({ all, perHost, bytes: most }: LaneLimits, signal: AbortSignal) {
  const waiting: Waiting[] = []
  const running = new Set<Waiting>()
  const count = (test: (one: Waiting) => boolean): number => [...running].filter(test).length
  const bigAt = most / 8

  function fits({ host, bytes, big }: Waiting): boolean {
    if (running.size >= all || count((one) => one.host === host) >= perHost) return false
    if (!big) return true
    const bigOnes = [...running].filter((one) => one.big)
    // half of the places of each kind are for the small ones
    if (bigOnes.length >= Math.max(1, Math.floor(all / 2))) return false
    if (bigOnes.filter((one) => one.host === host).length >= Math.max(1, Math.floor(perHost / 2))) return false
    return bigOnes.length === 0 || bigOnes.reduce((sum, one) => sum + one.bytes, bytes) <= most
  }

  function next(): void {
    for (const one of [...waiting]) {
      if (!fits(one)) continue
      waiting.splice(waiting.indexOf(one), 1)
      running.add(one)
      one.start()
    }
  }

  return {
    /** Bytes of the clones that run. */
    inFlight: (): number => [...running].reduce((sum, one) => sum + one.bytes, 0),
    enter(host: string, bytes: number): Promise<() => void> {
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          const at = waiting.indexOf(one)
          if (at >= 0) waiting.splice(at, 1)
          reject(signal.reason as Error)
        }
        const one: Waiting = {
          ...{ host, bytes, big: bytes >= bigAt },
          start() {
            signal.removeEventListener('abort', stop)
            resolve(() => {
              running.delete(one)
              next()
            })
          },
        }
        if (signal.aborted) return stop()
        signal.addEventListener('abort', stop)
        waiting.push(one)
        next()
      })
    },
  }
}

export type Lanes = ReturnType<typeof lanes>
