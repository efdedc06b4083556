import minimist from 'minimist'
import { parseDuration } from '#lib/duration.ts'
import { UsageError } from '#lib/errors.ts'
import { nearest } from './nearest.ts'
import { camel, placeholder, type Args, type Flag, type Spec } from './spec.ts'

export type { Args, Flag, Positional, Spec } from './spec.ts'

/** Is `--help` or `-h` among the flags? */
export const wantsHelp = (argv: readonly string[]): boolean => beforeDashes(argv).some((arg) => arg === '--help' || arg === '-h')

/** The typed arguments, or a UsageError that says which one is wrong. */
export function parseArgs<S extends Spec>(spec: S, argv: readonly string[]): Args<S> {
  const flags = spec.flags ?? {}
  const names = Object.keys(flags)
  const own = beforeDashes(argv)
  const head = withValues(own, flags).map((arg) => normalise(arg, flags))
  const parsed = minimist([...head, ...argv.slice(own.length)], {
    // `_` among them keeps positionals such as 1e3 as they were written.
    string: ['_', ...names.filter((name) => flags[name]!.type !== 'boolean')],
  })
  const values = Object.entries(flags).map(([name, flag]) => [camel(name), flagValue(name, flag, parsed[name])])
  return { ...Object.fromEntries(values), ...positionals(spec, parsed._) } as Args<S>
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

/** `--exclude -old$` is `--exclude=-old$`: what begins with one dash, and is no flag of ours, is the value that the flag before it needs. */
function withValues(argv: readonly string[], flags: Readonly<Record<string, Flag>>): string[] {
  const takes = (arg: string): boolean => arg.startsWith('--') && !['boolean', undefined].includes(flags[arg.slice(2)]?.type)
  const short = new Set(Object.values(flags).flatMap(({ short: letter }) => (letter ? [`-${letter}`] : [])))
  const joined: string[] = []
  for (const arg of argv) {
    const before = joined.at(-1)
    const isValue = /^-[^-]/.test(arg) && !short.has(arg.split('=')[0]!)
    if (before !== undefined && takes(before) && isValue) joined[joined.length - 1] = `${before}=${arg}`
    else joined.push(arg)
  }
  return joined
}

/**
 * Refuses every flag that isn't declared before minimist sees it (it would make nested objects of `--a.b` and trip over
 * `--__proto__`), and writes the others in the one form that minimist can't misread.
 */
function normalise(arg: string, flags: Readonly<Record<string, Flag>>): string {
  if (!/^-./s.test(arg)) return arg
  const [, given = arg, value] = /^(.+?)(=.*)?$/s.exec(arg) ?? []
  const long = Object.keys(flags).find(
    (name) => `--${name}` === given || (flags[name]!.short && `-${flags[name]!.short}` === given),
  )
  if (long && flags[long]!.type !== 'boolean') return `--${long}${value ?? ''}`
  const negated = Object.keys(flags).find((name) => flags[name]!.default === true && `--no-${name}` === given)
  const boolean = long ?? negated
  if (!boolean) throw unknownFlag(given, flags)
  if (value !== undefined) throw new UsageError(`${given} takes no value, but was given ${JSON.stringify(value.slice(1))}.`)
  // With a value, because minimist would take a positional `true` or `false` that follows for it.
  return `--${boolean}=${boolean === long}`
}

function unknownFlag(given: string, flags: Readonly<Record<string, Flag>>): UsageError {
  const known = [...Object.keys(flags).flatMap((name) => (flags[name]!.default === true ? [name, `no-${name}`] : [name])), 'help']
  const near = given.startsWith('--') ? nearest(given.slice(2), known) : undefined
  const hint = near ? `; did you mean --${near}?` : '. (An argument that starts with "-" goes after "--".)'
  return new UsageError(`unknown flag ${given.slice(0, 80)}${hint}`)
}

function flagValue(name: string, flag: Flag, raw: unknown): unknown {
  if (flag.type === 'boolean')
    return typeof raw === 'boolean' ? raw : raw === undefined ? (flag.default ?? false) : raw === 'true'
  const given = raw === undefined ? [] : ([raw].flat() as string[])
  if (given.includes('')) {
    throw new UsageError(`--${name} needs a value: --${name} ${placeholder(flag)} (--${name}=… for one that starts with "-").`)
  }
  if (flag.type === 'list') return given.map((text) => oneOf(name, flag, text))
  if (given.length > 1) throw new UsageError(`--${name} was given ${given.length} times; give it once.`)
  const [text] = given
  if (text !== undefined) return convert(name, flag, text)
  return typeof flag.default === 'string' ? convert(name, flag, flag.default) : flag.default
}

function convert(name: string, flag: Flag, text: string): string | number {
  if (flag.type === 'duration') {
    const ms = parseDuration(text)
    if (ms !== null) return ms
    throw new UsageError(`--${name}: ${JSON.stringify(text)} is not a duration such as 90s, 10m or 1h30m.`)
  }
  if (flag.type !== 'number') return oneOf(name, flag, text)
  const min = flag.min ?? 0
  const number = Number(text)
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number) && number >= min) return number
  throw new UsageError(`--${name}: ${JSON.stringify(text)} is not a whole number ≥ ${min}.`)
}

function oneOf(name: string, flag: Flag, text: string): string {
  if (!flag.choices || flag.choices.includes(text)) return text
  throw new UsageError(`--${name}: ${JSON.stringify(text)} is not one of ${flag.choices.join(', ')}.`)
}

function positionals(spec: Spec, given: string[]): Record<string, string | string[] | undefined> {
  const rest = [...given]
  const result: Record<string, string | string[] | undefined> = {}
  for (const { name, required, variadic } of spec.positionals ?? []) {
    if (required && !rest[0]) throw new UsageError(`missing argument <${name}>${rest[0] === '' ? ' (it is empty)' : ''}.`)
    result[name] = variadic ? rest.splice(0) : rest.shift()
  }
  if (rest.length) throw new UsageError(`unexpected argument ${JSON.stringify(rest[0]!.slice(0, 80))}.`)
  return result
}
