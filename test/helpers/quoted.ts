/** Words that a document says the program prints, held against its source. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '#lib/config.ts'

/** Every file that can print something, as it reads when it is printed: `${…}` is a placeholder, what is escaped stands for itself. */
export const sources: readonly string[] = globSync(
  ['lib/**/*.{ts,lua}', 'tasks/**/*.{ts,sh}', 'agent/**/*.{ts,sh}', 'manifests/**/*.yaml'],
  { cwd: root },
).map((file) =>
  readFileSync(join(root, file), 'utf8')
    .replaceAll('\\`', '`')
    .replaceAll("\\'", "'")
    // a sentence that goes on in the next line of the source
    .replaceAll(/['`] \+\n\s*['`]/g, ''),
)

/** What stands in code in a piece of Markdown. */
export const quotes = (markdown: string): string[] =>
  [...markdown.matchAll(/``\s?(.+?)\s?``|`([^`]+)`/g)].map((match) => match[1] ?? match[2]!)

/** Whether some source prints this; `…` stands for whatever is put in. Without enough that is fixed nothing is found. */
export function isPrinted(text: string): boolean {
  const pieces = text.split('…').map((piece) => piece.trim())
  if (pieces.join('').length < 6) return false
  const pattern = new RegExp(pieces.map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^\\n]{0,400}?'))
  return sources.some((source) => pattern.test(source))
}
