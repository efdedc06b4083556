import { info } from './log.ts'
import { safe } from './untrusted.ts'

/**
 * A line on stderr that tells how far a long task is. On a terminal it stands at the end and is written over; elsewhere it is said now and then.
 * Whatever else is said meanwhile goes through `around`.
 */
export function progressLine({
  everyMs = 10_000,
  stream = process.stderr,
}: { everyMs?: number; stream?: NodeJS.WriteStream } = {}) {
  let last = ''
  let said = Date.now()
  const clear = (): void => void (stream.isTTY && last && stream.write('\r\u001b[2K'))
  const draw = (): void => void (stream.isTTY && last && stream.write(cut(last, stream.columns)))
  return {
    set(text: string): void {
      if (stream.isTTY) {
        clear()
        last = safe(text)
        return draw()
      }
      if (Date.now() - said < everyMs) return
      said = Date.now()
      info(text)
    },
    around(say: () => void): void {
      clear()
      say()
      draw()
    },
    end(): void {
      clear()
      last = ''
    },
  }
}

const cut = (text: string, columns: number): string =>
  text.length < columns ? text : `${text.slice(0, Math.max(1, columns - 2))}…`

export type Progress = ReturnType<typeof progressLine>
