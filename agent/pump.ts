/** Reads a process's output piece by piece, no faster than it is taken. */
import type { Readable } from 'node:stream'

/** How long output may still come after everything that should have written is gone, and how much of it. */
const graceMs = 200
const graceBytes = 1024 * 1024

export interface Pump {
  /** Resolves at the end of the output; rejects when `onOutput` fails. */
  done: Promise<void>
  /** Takes what is there, but does not wait for an end that a stranger may keep away by holding the pipe open. Never rejects. */
  finish(): Promise<void>
}

/** Gives the stream's UTF-8 text to `onOutput`; reads on only when that has resolved. */
export function pump(stream: Readable, onOutput: (text: string) => void | Promise<void>): Pump {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let left = Infinity
  let over = false
  let wake = (): void => {}
  const end = (): void => {
    over = true
    wake()
  }
  for (const event of ['end', 'close', 'error']) stream.on(event, end)
  stream.on('readable', () => wake())

  async function run(): Promise<void> {
    while (left > 0) {
      const bytes = stream.read() as Buffer | null
      if (bytes) {
        left -= bytes.length
        const text = decoder.decode(bytes, { stream: true })
        if (text !== '') await onOutput(text)
      } else if (over) break
      else await new Promise<void>((resolve) => (wake = resolve))
    }
    const rest = decoder.decode()
    if (rest !== '') await onOutput(rest)
  }

  const done = run()
  return {
    done,
    async finish() {
      left = graceBytes
      const timer = setTimeout(end, graceMs)
      await done.catch(() => {})
      clearTimeout(timer)
    },
  }
}
