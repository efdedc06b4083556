/** A `ci` recipe in a repository's justfile. Read as text: `just` itself would also read what the file imports, and may not be installed. */
import type { Pipeline, Workspace } from './types.ts'

const names = ['justfile', 'Justfile', 'JUSTFILE', '.justfile']

/** Comments, and strings with whatever they hold: their quotes are all that is left of them. */
const skipped = /"""[^]*?"""|'''[^]*?'''|```[^]*?```|"(?:\\[^]|[^"\\])*"|'[^']*'|`[^`]*`|#[^\n]*|\\\r?\n/y
const line = /[^\n]*\n?/y

/** The lines that are not the body of a recipe, without comments and without the content of strings. */
function outline(text: string): string[] {
  const lines: string[] = []
  let at = 0
  while (at < text.length) {
    if (/[ \t]/.test(text[at]!)) {
      line.lastIndex = at
      at += line.exec(text)![0].length
      continue
    }
    let whole = ''
    while (at < text.length && text[at] !== '\n') {
      skipped.lastIndex = at
      const part = skipped.exec(text)?.[0]
      // a string that never ends is an error of the file, and so is what comes behind it
      if (!part && /["'`]/.test(text[at]!)) return lines
      whole += part === undefined ? text[at] : /^["'`]/.test(part) ? "''" : ' '
      at += part?.length ?? 1
    }
    lines.push(whole.trimEnd())
    at++
  }
  return lines
}

/** Whether `just ci` would run something: an alias, or a recipe that needs no argument and is for this system. */
export function hasCiRecipe(text: string): boolean {
  let attributes = ''
  for (const one of outline(text.replace(/^\uFEFF/, ''))) {
    if (/^alias\s+ci\s*:=/.test(one)) return true
    const parameters = /^@?ci(?![\w-])([^:]*):(?!=)/.exec(one)?.[1]
    if (parameters !== undefined && forThisSystem(attributes) && !needsArgument(parameters)) return true
    if (one.startsWith('[')) attributes += one
    else if (one !== '') attributes = ''
  }
  return false
}

function forThisSystem(attributes: string): boolean {
  const systems = attributes.match(/\b(?:linux|unix|macos|windows|openbsd)\b/g) ?? []
  return systems.length === 0 || systems.some((system) => system === 'linux' || system === 'unix')
}

function needsArgument(parameters: string): boolean {
  let depth = 0
  let flat = ''
  for (const letter of parameters) {
    if (letter === '(') depth++
    else if (letter === ')') depth--
    else if (depth === 0) flat += letter
  }
  const words = flat.replace(/\s+/g, ' ').replace(/ ?= ?/g, '=').trim().split(' ')
  return words.some((word) => word !== '' && !word.includes('=') && !/^\$?\*/.test(word))
}

async function justfile(workspace: Workspace): Promise<string | null> {
  const there = new Set(await workspace.list())
  const name = names.find((one) => there.has(one))
  return name === undefined ? null : workspace.read(name)
}

export const ciRecipe: Pipeline = {
  name: 'just',
  looksFor: 'a recipe ci in the justfile',
  async detect(workspace) {
    const text = await justfile(workspace)
    return text !== null && hasCiRecipe(text)
  },
  steps: ({ has }) => Promise.resolve([{ name: 'ci', run: 'just ci', ...(!has('just') && { skip: 'just is not installed' }) }]),
}
