/** Writes a rule into `mirrors.yaml`, and leaves what a person wrote there as it is. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isSeq, parseDocument, YAMLMap, YAMLSeq, type Document } from 'yaml'
import { UsageError } from '#lib/errors.ts'
import { accountText } from '#lib/forge/listing/account.ts'
import { replaceFile, targetOf } from '#lib/replace-file.ts'
import { checkMirrors, policyOf, readMirrors, type MirrorsText } from './file.ts'
import { ruleOf, type Policy } from './rule.ts'
import type { MirrorRule } from './types.ts'

export type Saved = 'added' | 'changed' | 'unchanged'

const head = '# What is mirrored into our Gitea; mirrors.example.yaml explains every key.\n'

/** What is written, in this order; `include` and the source tell entries apart. */
const ofMany = ['exclude', 'private', 'forks', 'archived', 'topics', 'language'] as const
const ofAll = ['owner', 'visibility', 'intervalMs', 'wiki', 'lfs', 'orphans', 'build'] as const
const keysOf = ({ from }: MirrorRule): readonly (keyof Policy)[] =>
  from.kind === 'repo' ? ['name', ...ofAll] : [...ofMany, ...ofAll]

/**
 * Has the file say what the rule says: by a new entry, or by changing the one of the same source and `include`. Comments, order, mode and
 * symlinks stay; it is written whole or not at all. Throws ConfigError for a file with mistakes, UsageError for what can't be read or written.
 */
export async function saveRule(path: string, rule: MirrorRule, known: readonly string[] = []): Promise<Saved> {
  const place = await targetOf(path)
  const name = basename(path)
  const text = (await stat(place).catch(() => null)) ? await readMirrors(place) : null
  const wished = withRule(text ?? head, await checkMirrors(text ?? '', name, known), rule)
  if (wished.saved === 'unchanged') return wished.saved
  // nothing is written that could not be read again
  await checkMirrors(wished.text, name, known)
  await replaceFile(place, wished.text, text)
  return wished.saved
}

/** The text with the rule in it. Pure. Throws UsageError for what an entry can't say. */
export function withRule(text: string, { file, rules }: MirrorsText, rule: MirrorRule): { text: string; saved: Saved } {
  const usual = ruleOf('', rule.from, policyOf(file.defaults ?? {}))
  const at = rules.findIndex((one) => isSame(one, rule))
  const now = at < 0 ? usual : rules[at]!
  const changes = keysOf(rule).filter((key) => !equal(now[key], rule[key]))
  if (at >= 0 && !changes.length) return { text, saved: 'unchanged' }
  const document = parseDocument(text, { stringKeys: true })
  const list = listIn(document)
  const entry = at < 0 ? new YAMLMap() : (list.items[at] as YAMLMap)
  if (at < 0) {
    for (const [key, value] of Object.entries(sourceOf(rule))) entry.set(key, value)
    list.add(entry)
  }
  for (const key of changes) {
    if (equal(usual[key], rule[key])) entry.delete(fileKey(key))
    else entry.set(fileKey(key), document.createNode(written(key, rule[key])))
  }
  const [, indent = '  '] = /^( {1,8})\S/m.exec(text) ?? []
  const indentSeq = !/^mirrors:[^\n]*\n(?:\s*(?:#[^\n]*)?\n)*- /m.test(text)
  return { text: document.toString({ lineWidth: 0, indent: indent.length, indentSeq }), saved: at < 0 ? 'added' : 'changed' }
}

function listIn(document: Document): YAMLSeq {
  const list = document.get('mirrors')
  if (isSeq(list)) {
    if (!list.items.length) list.flow = false
    return list
  }
  const fresh = new YAMLSeq()
  document.set('mirrors', fresh)
  return fresh
}

function sourceOf({ from, include }: MirrorRule): Record<string, string> {
  if (from.kind === 'repo') return { repo: from.url }
  const text = accountText(from.account)
  const source: Record<string, string> = from.account.forge === 'gitlab' ? { group: text.replace(/^gitlab:/, '') } : { org: text }
  return { ...source, ...(include !== null && { include }) }
}

function isSame(a: MirrorRule, b: MirrorRule): boolean {
  if (a.from.kind === 'repo' || b.from.kind === 'repo')
    return a.from.kind === 'repo' && b.from.kind === 'repo' && bare(a.from.url) === bare(b.from.url)
  return accountText(a.from.account).toLowerCase() === accountText(b.from.account).toLowerCase() && a.include === b.include
}

const bare = (url: string): string =>
  url
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .toLowerCase()
const equal = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
const fileKey = (key: keyof Policy): string => (key === 'intervalMs' ? 'interval' : key)

function written(key: keyof Policy, value: unknown): unknown {
  if (value === null)
    throw new UsageError(`an entry can't do without the ${key} that the defaults give; take it out of the defaults`)
  if (key !== 'intervalMs' || value === 0) return value
  const ms = value as number
  const [size, unit] = [[3_600_000, 'h'] as const, [60_000, 'm'] as const, [1000, 's'] as const].find(
    ([size]) => ms % size === 0,
  ) ?? [1, 'ms']
  return `${ms / size}${unit}`
}
