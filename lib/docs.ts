import type { Spec } from './cli/spec.ts'
import { describe, flagForm, positional } from './cli/usage.ts'
import type { JsonSchema } from './json-schema.ts'

/** What the justfile says of one public recipe. `task`: the file that it runs, if it runs one. */
export interface Recipe {
  name: string
  group: string
  doc: string
  task: string | undefined
}

/** The public recipes of a justfile that is written as `just --fmt` leaves it. */
export function parseJustfile(text: string): Recipe[] {
  return text.split(/\n\n+/).flatMap((block) => {
    const [, name] = /^@?([a-z][a-z0-9-]*)[^\n:=]*:(?!=)/m.exec(block.replace(/^(#|\[).*$/gm, '')) ?? []
    if (!name) return []
    const doc = /^# (.*)$/m.exec(block)?.[1] ?? ''
    const group = /^\[group\('(.*)'\)\]$/m.exec(block)?.[1] ?? ''
    const [line = '', ...more] = block.match(/^ {4}.*$/gm) ?? []
    return [{ name, group, doc, task: more.length ? undefined : /\b(tasks\/\S+\.ts)\b/.exec(line)?.[1] }]
  })
}

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
const table = (head: string[], rows: string[][]) =>
  [row(...head), row(...head.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n')
const code = (text: string) => `\`${text}\``
const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)

/** What a user types for each recipe, and what it does. */
export function recipesTable(recipes: readonly Recipe[], specs: readonly Spec[]): string {
  // What is used every day first; upkeep last.
  const ordered = [...recipes].sort((a, b) => Number(a.group === 'check') - Number(b.group === 'check'))
  const rows = ordered.map(({ name, group, doc }) => {
    const words = specs.find((spec) => spec.name === name)?.positionals?.map(positional) ?? []
    return [group, code(['just', name, ...words].join(' ')), doc.replace(/: (just .*)$/, ', as in `$1`')]
  })
  return table(['group', 'recipe', 'what it does'], rows)
}

/** Every recipe with its arguments and flags. */
export function flagsSection(specs: readonly Spec[]): string {
  return [...specs].sort(byName).map(specSection).filter(Boolean).join('\n\n')
}

function specSection(spec: Spec): string {
  const positionals = (spec.positionals ?? []).map((p) => [code(positional(p)), p.description])
  const flags = Object.entries(spec.flags ?? {}).map(([name, flag]) => [code(flagForm(name, flag)), describe(flag)])
  if (!positionals.length && !flags.length) return ''
  const examples = spec.examples?.length ? `\n\n\`\`\`sh\n${spec.examples.join('\n')}\n\`\`\`` : ''
  return `#### just ${spec.name}\n\n${spec.summary}.\n\n${table(['', ''], [...positionals, ...flags])}${examples}`
}

/** Every key of raibid.yaml, or of another file with a schema. */
export const configTable = (schema: JsonSchema): string =>
  table(
    ['key', 'meaning'],
    keys(schema, '').map(([key, text]) => [code(key), text]),
  )

function keys({ properties, additionalProperties, items, description }: JsonSchema, path: string): [string, string][] {
  const named = Object.entries(properties ?? {}).flatMap(([name, inner]) => keys(inner, path ? `${path}.${name}` : name))
  const any = typeof additionalProperties === 'object' ? keys(additionalProperties, `${path}.<name>`) : []
  const each = items ? keys({ ...items, description: '' }, `${path}[]`) : []
  return [...(path && description ? [[path, description] as [string, string]] : []), ...named, ...any, ...each]
}

/** Every variable of one object (`env`, `stepEnv`) in the source of lib/contract-env.ts, with the comment above it. */
export function envTable(source: string, name: string): string {
  const [, body = ''] = new RegExp(`export const ${name} = \\{\\n([^]*?)\\n\\} as const`).exec(source) ?? []
  const variables = [...body.matchAll(/(?:\/\*\* (.*?) \*\/\s*)?^ {2}\w+: '(\w+)'/gm)]
  return table(
    ['variable', 'meaning'],
    variables.map(([, doc = '', variable = '']) => [code(variable), doc]),
  )
}

/** The text with what stands between `<!-- name -->` and `<!-- /name -->` replaced. */
export function splice(text: string, sections: Record<string, string>): string {
  return Object.entries(sections).reduce((result, [name, section]) => {
    const between = new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- /${name} -->)`)
    if (!between.test(result)) throw new Error(`There is no <!-- ${name} --> … <!-- /${name} -->.`)
    return result.replace(between, (_, start: string, end: string) => `${start}\n${section}\n\n${end}`)
  }, text)
}
