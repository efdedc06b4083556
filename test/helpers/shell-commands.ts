/** What a shell would run of a text, for tests that look at the commands of documents: as much of its grammar as documents need. */

/** The commands in the order in which they stand, each as its words; those in `$(…)` come after the one that they stand in. */
export function shellCommands(text: string): string[][] {
  const commands: string[][] = []
  for (const line of joined(text)) commands.push(...ofLine(line))
  return commands
}

/** Lines as the shell has them: those that end with a backslash go on, and what a here-document holds is no command. */
function joined(text: string): string[] {
  const lines: string[] = []
  let before = ''
  let end: string | null = null
  for (const line of text.split('\n')) {
    if (end !== null) {
      if (line.trim() === end) end = null
    } else if (line.endsWith('\\')) before += line.slice(0, -1)
    else {
      lines.push(before + line)
      before = ''
      end = /<<-?\s*['"]?(\w+)['"]?/.exec(lines.at(-1)!)?.[1] ?? null
    }
  }
  return lines
}

function ofLine(line: string): string[][] {
  const commands: string[][] = [[]]
  const inner: string[] = []
  let [word, isWord, quote] = ['', false, '']
  const ends = (): void => {
    if (isWord) commands.at(-1)!.push(word)
    ;[word, isWord] = ['', false]
  }
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!
    if (c === '$' && line[i + 1] === '(' && quote !== "'") {
      const close = closing(line, i + 2)
      const given = line.slice(i + 2, close)
      const found = /^command -v (\S+)$/.exec(given)?.[1]
      if (!found) inner.push(given)
      ;[word, isWord, i] = [word + (found ?? '$'), true, close]
    } else if (quote) {
      if (c === quote) quote = ''
      else word += c
    } else if (c === '"' || c === "'") [quote, isWord] = [c, true]
    else if (c === '\\') [word, isWord] = [word + line[++i]!, true]
    else if (c === '#' && !isWord) break
    else if (/\s/.test(c)) ends()
    else if (/[|;&]/.test(c)) {
      ends()
      commands.push([])
    } else if (/[<>]/.test(c)) {
      // a number before it says which stream: no word
      if (/^\d$/.test(word)) [word, isWord] = ['', false]
      ends()
      const rest = /^[<>&]*\s*(?:"[^"]*"|'[^']*'|[^\s|;&]*)/.exec(line.slice(i))![0]
      i += rest.length - 1
    } else [word, isWord] = [word + c, true]
  }
  ends()
  return [...commands.filter((words) => words.length), ...inner.flatMap(ofLine)]
}

function closing(line: string, from: number): number {
  let [open, quote] = [1, '']
  for (let i = from; i < line.length; i++) {
    const c = line[i]!
    if (quote) quote = c === quote ? '' : quote
    else if (c === '"' || c === "'") quote = c
    else if (c === '(') open++
    else if (c === ')' && --open === 0) return i
  }
  throw new Error(`no end of $( in: ${line}`)
}

/** A command without what only says how it is run: variables before it, `sudo`, `env`. */
export function bare(words: readonly string[]): string[] {
  const [first = '', ...rest] = words
  if (/^[A-Z_]\w*=/i.test(first)) return bare(rest)
  if (first === 'sudo' || first === 'env') return bare(rest.slice(rest.findIndex((one) => !one.startsWith('-'))))
  if (first === 'sh' && rest[0] === '-c') return bare(shellCommands(rest[1]!)[0]!)
  if (first === 'npx' && rest.includes('rust-just')) return ['just', ...rest.slice(rest.indexOf('rust-just') + 1)]
  return [...words]
}
