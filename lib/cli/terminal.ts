import type { WriteStream } from 'node:tty'

// Everything a terminal obeys, except what only sets colours: a build's output must not move the cursor, set titles or answer queries.
const unsafe =
  /\x1b(?!\[[0-9;:]*m)(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|[\x80-\x9f]/g
const unfinished = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,4096})?$/

/**
 * A writer for a build's output. To a file or pipe it goes as it is; on a terminal only colours, tabs and line breaks get through. An escape
 * sequence split over two chunks is held back until it is whole.
 */
export function terminalText(stream: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY'>>): (text: string) => void {
  if (!stream.isTTY) return (text) => void stream.write(text)
  const clean = cleaner()
  return (text) => void stream.write(clean(text))
}

/** The streaming filter itself. */
export function cleaner(): (text: string) => string {
  let held = ''
  return (text) => {
    const whole = held + text
    held = unfinished.exec(whole)?.[0] ?? ''
    return whole.slice(0, whole.length - held.length).replace(unsafe, '')
  }
}
