/**
 * What the work gives, or throws; but when the signal comes and the work doesn't hear it, what the signal says, after a moment of grace. The process
 * ends then, and the work with it.
 */
export async function unlessInterrupted<T>(work: Promise<T>, signal: AbortSignal, graceMs = 1500): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let stop = (): void => {}
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => (timer = setTimeout(() => reject(signal.reason as Error), graceMs))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, interrupted])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    // what it throws when nobody listens any more
    work.catch(() => {})
  }
}
