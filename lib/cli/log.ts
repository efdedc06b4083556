import { isatty } from 'node:tty'
import colours from 'picocolors'
import { safeLines } from './untrusted.ts'

/** Colours are for people: on a terminal, unless NO_COLOR says no; FORCE_COLOR says yes to anything. */
export function wantsColour(fd: number, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0'
  return isatty(fd) && env['TERM'] !== 'dumb'
}

let stderrColours: ReturnType<typeof colours.createColors> | undefined
const paint = () => (stderrColours ??= colours.createColors(wantsColour(2)))

/** One line of the story, on stderr. */
export const info = (text: string): void => void process.stderr.write(`${safeLines(text)}\n`)

/** Something begins. */
export const step = (text: string): void => marked(paint().cyan('▸'), text)

/** Something went well. */
export const ok = (text: string): void => marked(paint().green('✓'), text)

/** Something to know about, that doesn't stop the task. */
export const warn = (text: string): void => marked(paint().yellow('!'), text)

/** Something went wrong. The exit code is set by what is thrown, not by this line. */
export const fail = (text: string): void => marked(paint().red('✗'), text)

/** A line of the result, on stdout. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** The result as one JSON document; on one line where documents stream. */
export const printJson = (value: unknown, { line = false } = {}): void => print(JSON.stringify(value, null, line ? 0 : 2))

function marked(mark: string, text: string): void {
  process.stderr.write(`${mark} ${safeLines(text)}\n`)
}
