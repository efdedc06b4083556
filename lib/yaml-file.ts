import { LineCounter, isMap, isPair, parseDocument, type Document } from 'yaml'
import type { z } from 'zod'

/** What a checked file holds, and on which line each part begins; or everything that is wrong with it, each as `file:line: key: sentence`. */
export type Checked<T> = { value: T; problems: []; lineOf: (path: Path) => number } | { value?: undefined; problems: string[] }

type Path = readonly PropertyKey[]

const maxBytes = 1024 * 1024
const maxProblems = 20

/** Checks the text of a YAML file that a person wrote against a schema. `file` is how the problems name it. */
export function checkYaml<T>(text: string, file: string, schema: z.ZodType<T>): Checked<T> {
  if (text.length > maxBytes) return { problems: [`${file}: is ${text.length} characters long; ${maxBytes} are allowed`] }
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true })
  if (doc.errors.length) {
    return { problems: limited(doc.errors.map(({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`)) }
  }
  let content: unknown
  try {
    content = doc.toJS({ maxAliasCount: 50 }) ?? {}
  } catch {
    return { problems: [`${file}: repeats too much by aliases (*name); write it out`] }
  }
  const result = schema.safeParse(content, { reportInput: true })
  const lineOf = (path: Path): number => lines.linePos(offsetOf(doc, path)).line || 1
  if (result.success) return { value: result.data, problems: [], lineOf }
  const found = result.error.issues.flatMap(sentences).map(([path, text]) => {
    const key = path.length ? `${keyOf(path)}: ` : ''
    return { line: lineOf(path), text: `${key}${text}` }
  })
  const inOrder = found.toSorted((a, b) => a.line - b.line)
  return { problems: limited(inOrder.map(({ line, text }) => `${file}:${line}: ${text}`)) }
}

/** `steps[1].timeout`. */
const keyOf = (path: Path): string =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part)}`)).join('')

/** The most exact place known: the value's key, else that of the nearest thing around it. */
function offsetOf(doc: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? doc.contents : doc.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    const pair = isMap(parent) && parent.items.find((item) => isPair(item) && String(item.key) === String(last))
    const node = pair ? pair.key : doc.getIn(path.slice(0, length), true)
    const range = (node as { range?: [number, number, number] | null } | undefined)?.range
    if (range) return range[0]
  }
  return (doc.contents as { range?: [number, number, number] | null } | null)?.range?.[0] ?? 0
}

function sentences(issue: z.core.$ZodIssue): [Path, string][] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [[...issue.path, key], 'is not a known key'])
  if (issue.code === 'invalid_type') {
    const missing = issue.input === undefined
    return [
      [
        issue.path,
        missing ? `is missing (${article(issue.expected)})` : `${shown(issue.input)} is not ${article(issue.expected)}`,
      ],
    ]
  }
  // The name itself is wrong, and the inner issues say how.
  if (issue.code === 'invalid_key') return [[issue.path, issue.issues.map(({ message }) => message).join(', ')]]
  const ours = issue.code === 'custom' || issue.message.startsWith('is ') || issue.message.startsWith('has ')
  const message = ours ? issue.message : `is wrong: ${issue.message}`
  return [
    [issue.path, issue.input === undefined || typeof issue.input === 'object' ? message : `${shown(issue.input)} ${message}`],
  ]
}

const names: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text (quote it?)',
  record: 'a mapping',
  object: 'a mapping',
  array: 'a list',
  boolean: 'true or false',
}
const article = (expected: string) => names[expected] ?? `a ${expected}`
// what should not be there may be a login
const shown = (value: unknown) => (JSON.stringify(value) ?? String(value)).replace(/\/\/[^/"]*@/g, '//***@').slice(0, 60)

const limited = (problems: string[]): string[] =>
  problems.length > maxProblems ? [...problems.slice(0, maxProblems), `… and ${problems.length - maxProblems} more`] : problems
