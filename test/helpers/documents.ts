/** The commands that README and docs/ tell a person to type. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '#lib/config.ts'
import { bare, shellCommands } from './shell-commands.ts'

export const documents = ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()]
export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

const fence = /^( *)```(\w*)\n([^]*?)^\1```$/gm

/** Of the blocks that are for a shell: the document, the command as it stands there, its words. */
export const typed = documents.flatMap((file) =>
  [...textOf(file).matchAll(fence)]
    .filter(([, , language]) => language === 'sh')
    .flatMap(([, , , block]) => shellCommands(block!))
    .map((words) => ({ file, text: words.join(' '), words: bare(words) }))
    .filter(({ words }) => words.length),
)

/** The same of sentences: what is shown between pointed brackets is anything, what is left out is left out. (`just ci` is a recipe of what is built.) */
export const named = documents.flatMap((file) =>
  [
    ...textOf(file)
      .replaceAll(fence, '')
      .matchAll(/`((?:sudo (?:-E )?)?just (?!ci`)[a-z][^`]*)`/g),
  ].map(([, text]) => {
    const plain = text!.replaceAll(/<[^>]+>/g, 'x').replaceAll(/ (?:\[[^\]]+\](?:\.{3})?|…)/g, '')
    return { file, text: text!, words: bare(shellCommands(plain)[0]!) }
  }),
)
