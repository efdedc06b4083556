import { RE2JS, RE2JSSyntaxException } from 're2js'
import { safe } from '#lib/cli/untrusted.ts'
import { UsageError } from '#lib/errors.ts'

/** A regular expression over a name. */
export interface Pattern {
  /** Found anywhere in it, unless the expression says otherwise (`^`, `$`). Takes time in proportion to the name's length. */
  test(name: string): boolean
}

const longest = 500

/**
 * Compiles an expression that a person wrote. In RE2's syntax: whatever it says, it takes linear time. Throws a UsageError that names
 * the flag (or the key of a file) and the character that is wrong.
 */
export function compilePattern(text: string, flagName: string): Pattern {
  const problem = patternProblem(text)
  if (problem) throw new UsageError(`${flagName}: ${text.length > longest ? 'it' : `/${safe(text)}/`} ${problem}`)
  const compiled = RE2JS.compile(text)
  return { test: (name) => compiled.test(name) }
}

/** What is wrong with an expression, as it stands behind it: `is no regular expression: … at character 4`; null: nothing. */
export function patternProblem(text: string): string | null {
  if (text.length > longest) return `is ${text.length} characters long; at most ${longest} are allowed`
  if (!text.isWellFormed()) return 'is no well-formed Unicode'
  const mistake = mistakeOf(text)
  if (!mistake) return null
  const at = [...text.slice(0, placeOf(text, mistake))].length + 1
  return `is no regular expression: ${wordsOf(mistake)}, at character ${at}`
}

const wordsOf = ({ error, input }: RE2JSSyntaxException): string => {
  if (error === 'invalid or unsupported Perl syntax' && /^\(\?<?[=!]/.test(input ?? ''))
    return 'it looks ahead or behind (?=, ?!), which linear time does not allow; use an exclude beside the include'
  if (error === 'invalid escape sequence' && /^\\[1-9]/.test(input ?? ''))
    return 'it refers back to a group, which linear time does not allow'
  if (error.startsWith('missing closing')) return `${error} of what opens`
  return input && error !== unexpected ? `${error} ${safe(input).slice(0, 20)}` : error
}

const unexpected = 'unexpected )'

/** Where the mistake begins, for the engine only quotes it: the shortest beginning of the text that has the same mistake ends with it. */
function placeOf(text: string, { error, input }: RE2JSSyntaxException): number {
  if (input === null) return Math.max(0, text.length - 1)
  if (error === 'missing closing ]') return text.length - input.length
  // of what stays open to the end, the first is meant: all before it is sound
  const open = error === 'missing closing )'
  let sound = 0
  for (let end = 1; end <= text.length; end++) {
    const found = mistakeOf(text.slice(0, end))
    if (!found) sound = end
    else if (found.error === unexpected && error === unexpected) return end - 1
    else if (!open && found.error === error && found.input === input)
      return Math.max(0, text.lastIndexOf(input, end - input.length))
  }
  return open ? sound : 0
}

function mistakeOf(text: string): RE2JSSyntaxException | null {
  try {
    RE2JS.compile(text)
    return null
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return error
    throw error
  }
}
