/**
 * Checks a YAML text against a table of keys, by its nodes, so that every problem has its line. Meant for text that may be hostile:
 * aliases are counted and never expanded, and no check takes more than linear time. yaml is slow to load: import this lazily.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml'
import type { JsonSchema } from '#lib/json-schema.ts'
import type { Problem } from './types.ts'

/** One value: where it is, and what. */
export interface Place {
  path: string
  node: Node | null
  /** Reports a problem with this value: a sentence's end, such as `is not a duration`. */
  problem(text: string): undefined
}

/** Gives the value, or reports what is wrong with it and gives undefined. */
type Examine<T> = (place: Place) => T | undefined
/** What examines a value, with what an editor may know of it beforehand: the two are one, so that neither is written twice. */
export type Check<T> = Examine<T> & { schema: JsonSchema }
type Checked<C> = C extends Check<infer T> ? T : never

/** A check and its schema. Where the schema can't say all that the check asks, it says less. */
export const check = <T>(schema: JsonSchema, examine: Examine<T>): Check<T> =>
  Object.assign((place: Place) => examine(place), { schema })

/** The same check, with the sentence that an editor shows. */
export const about = <T>(description: string, inner: Check<T>): Check<T> => check({ description, ...inner.schema }, inner)

const maxAliases = 100
const maxProblems = 20

/** The plain value of a text, number, boolean or null; undefined for lists and mappings. */
export const scalarOf = ({ node }: Place): unknown => (node === null ? null : isScalar(node) ? node.value : undefined)

/** A value as a message shows it. */
export function shown({ node }: Place): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (node === null || !isScalar(node) || node.value === null) return 'nothing'
  const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return typeof node.value === 'string' ? JSON.stringify(short) : short
}

const insides = new WeakMap<Place, (key: string, node: unknown, at: unknown) => Place>()
const inside = (place: Place, key: string, node: unknown, at: unknown = node): Place => insides.get(place)!(key, node, at)

/** A mapping with these keys and no others. */
export function mapping<K extends Record<string, Check<unknown>>, R extends keyof K & string = never>(
  keys: K,
  required: R[] = [],
) {
  const properties = Object.fromEntries(Object.entries(keys).map(([name, { schema }]) => [name, schema]))
  const schema = { type: 'object', properties, required, additionalProperties: false } as const
  return check(schema, (place): ({ [N in keyof K]?: Checked<K[N]> } & { [N in R]: Checked<K[N]> }) | undefined => {
    const found: Record<string, unknown> = {}
    const read = entries((name, value, key) => {
      if (!Object.hasOwn(keys, name)) key.problem('is not a known key')
      else found[name] = keys[name]!(value)
      return null
    })(place)
    if (!read) return undefined
    const missing = required.filter((name) => !read.has(name))
    for (const name of missing) inside(place, name, null, place.node).problem('is missing')
    return missing.length ? undefined : (found as { [N in keyof K]: Checked<K[N]> })
  })
}

/** A mapping with any keys, each once. `each` gets the name, the value, and the key's own place. */
export function entries<T>(each: (name: string, value: Place, key: Place) => T): Examine<Map<string, T>> {
  return (place) => {
    if (scalarOf(place) === null) return place.problem('is empty')
    if (!isMap(place.node)) return place.problem(`${shown(place)} is not a mapping`)
    const found = new Map<string, T>()
    for (const pair of place.node.items) {
      const name = isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : ''
      const key = inside(place, name, pair.key)
      if (!isScalar(pair.key)) place.problem('has a key that is not a text')
      else if (found.has(name)) key.problem('is given twice')
      else found.set(name, each(name, inside(place, name, pair.value, pair.value ?? pair.key), key))
    }
    return found
  }
}

/** A list of one to `max` values. */
export function list<T>(each: Check<T>, max: number): Check<T[]> {
  return check({ type: 'array', items: each.schema, minItems: 1, maxItems: max }, (place) => {
    if (!isSeq(place.node)) return place.problem(`${shown(place)} is not a list`)
    const { items } = place.node
    if (items.length === 0) return place.problem('is empty')
    if (items.length > max) return place.problem(`has ${items.length} entries; at most ${max} are allowed`)
    const values = items.map((item, i) => each(inside(place, `[${i}]`, item, item ?? place.node)))
    return values.some((value) => value === undefined) ? undefined : (values as T[])
  })
}

/** Runs a check on a text. `problems`: in the order of their lines, at most 20. */
export function checkText<T>(text: string, check: Check<T>): { value?: T; problems: Problem[] } {
  const counter = new LineCounter()
  // Without uniqueKeys: yaml's own check takes time by the square of their number; `entries` makes it instead.
  const options = { lineCounter: counter, prettyErrors: false, uniqueKeys: false, schema: 'core', logLevel: 'error' } as const
  const found: Problem[] = []
  const report: Report = (offset, text, key = '') => void found.push({ line: counter.linePos(offset).line || 1, key, text })
  let value: T | undefined
  try {
    const doc = parseDocument(text, options)
    for (const { pos, message } of [...doc.errors, ...doc.warnings]) report(pos[0], message)
    if (countAliases(doc) > maxAliases) report(0, `uses more than ${maxAliases} aliases (*name): write out what they stand for`)
    if (found.length === 0) value = check(placeOf(doc, report, '', doc.contents, doc.contents))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    report(0, 'Maximum call stack size exceeded')
  }
  if (found.length === 0) return { value, problems: [] }
  const deep = found.some(({ text }) => text.startsWith('Maximum call stack'))
  if (deep) return { problems: [{ line: 1, key: '', text: 'is nested too deeply' }] }
  const problems = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()].sort((a, b) => a.line! - b.line!)
  const more = problems.length - maxProblems
  return {
    problems: more > 0 ? [...problems.slice(0, maxProblems), { line: null, key: '', text: `… and ${more} more` }] : problems,
  }
}

function countAliases(doc: Document): number {
  let count = 0
  visit(doc, { Alias: () => (++count > maxAliases ? visit.BREAK : undefined) })
  return count
}

type Report = (offset: number, text: string, key?: string) => void

function placeOf(doc: Document, report: Report, path: string, value: unknown, at: unknown): Place {
  const resolved = isAlias(value) ? value.resolve(doc) : value
  const node = (resolved ?? null) as Node | null
  const offset = (at as Node | null)?.range?.[0] ?? 0
  const place: Place = { path, node, problem: (text) => void report(offset, text, path) as undefined }
  insides.set(place, (key, inner, around) => {
    const name = key.startsWith('[') || path === '' ? path + key : `${path}.${key}`
    return placeOf(doc, report, name, inner, (around as Node | null)?.range ? around : at)
  })
  return place
}
