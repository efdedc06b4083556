import { placeholder, type Flag, type Positional, type Spec } from './spec.ts'

/** The text of `--help`. */
export function usage(spec: Spec): string {
  const flags = Object.entries(spec.flags ?? {})
  const positionals = (spec.positionals ?? []).map((p): Row => [positional(p), p.description])
  const words = ['just', spec.name, ...positionals.map(([name]) => name), ...(flags.length ? ['[flags]'] : [])]
  const sections = [
    `${spec.summary}.`,
    `Usage: ${words.join(' ')}`,
    section('Arguments', positionals),
    section('Flags', [...flags.map(([name, flag]): Row => [flagForm(name, flag), describe(flag)]), ['--help', 'Show this help']]),
    spec.examples?.length ? `Examples:\n${spec.examples.map((line) => `  ${line}\n`).join('')}`.trimEnd() : '',
  ]
  return sections.filter(Boolean).join('\n\n')
}

type Row = [name: string, description: string]

/** `<repo>`, `[branch]`, `[ids]...`. */
export const positional = ({ name, required, variadic }: Positional): string =>
  `${required ? `<${name}>` : `[${name}]`}${variadic ? '...' : ''}`

/** `-n, --dry-run`, `--commit <sha>`. */
export function flagForm(name: string, flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : ''
  const long = flag.type === 'boolean' && flag.default === true ? `--[no-]${name}` : `--${name}`
  return `${short}${long}${flag.type === 'boolean' ? '' : ` ${placeholder(flag)}`}`
}

/** The description with what else there is to know: choices, default, repeatable. */
export function describe(flag: Flag): string {
  const notes = [
    flag.choices && `one of ${flag.choices.join(', ')}`,
    flag.type === 'list' && 'repeatable',
    flag.default !== undefined && flag.default !== true && flag.default !== false && `default ${flag.default}`,
  ].filter(Boolean)
  return `${flag.description}${notes.length ? ` (${notes.join('; ')})` : ''}`
}

function section(title: string, rows: Row[]): string {
  if (!rows.length) return ''
  const width = Math.max(...rows.map(([name]) => name.length))
  return `${title}:\n${rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')}`
}
