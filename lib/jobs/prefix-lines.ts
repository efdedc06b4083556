import { cleaner } from '#lib/cli/terminal.ts'

/** A sink that puts a prefix before every line, so that several logs can be read side by side; a line is written when it is whole. */
export function linePrefixer(
  prefix: string,
  write: (line: string) => void,
): { out: (text: string) => void; story: (text: string) => void } {
  const clean = cleaner()
  let open = ''
  return {
    out(text) {
      const lines = (open + clean(text)).split('\n')
      open = lines.pop()!
      for (const line of lines) write(prefix + line)
    },
    story: (text) => write(prefix + text),
  }
}
