import { createHash } from 'node:crypto'

export type Files = Readonly<Record<string, string>>

/** What is written into the config repository: texts by path, what goes, and what is left as a person has it. */
export interface Merge {
  write: Record<string, string>
  remove: string[]
  kept: string[]
  /** Written over what a person had changed there: our wish is the newer one. */
  over: string[]
}

/** Where it stands which text we wrote last, by path. */
export const recordFile = '.raibid/rendered.json'

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)
export const recordOf = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, digestOf(text)]))

/** The record as it stands there; empty for what nobody of us wrote. */
export function readRecord(text: string | undefined): Files {
  try {
    const found: unknown = JSON.parse(text ?? '{}')
    const entries = typeof found === 'object' && found ? Object.entries(found) : []
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    return {}
  }
}

/**
 * Three ways: what we render now, what we had rendered when we last wrote, and what stands there. What a person has committed stays until our own
 * text changes; what we no longer render goes, unless a person has changed it.
 */
export function mergePlan(rendered: Files, record: Files, there: Files): Merge {
  const merge: Merge = { write: {}, remove: [], kept: [], over: [] }
  for (const [path, text] of Object.entries(rendered)) {
    const isTheirs = record[path] !== undefined && (there[path] === undefined || digestOf(there[path]) !== record[path])
    if (there[path] === text) continue
    if (isTheirs && record[path] === digestOf(text)) merge.kept.push(path)
    else {
      merge.write[path] = text
      if (isTheirs || (there[path] !== undefined && record[path] === undefined)) merge.over.push(path)
    }
  }
  for (const path of Object.keys(record).filter((one) => rendered[one] === undefined && there[one] !== undefined))
    (digestOf(there[path]!) === record[path] ? merge.remove : merge.kept).push(path)
  const lines = `${JSON.stringify(recordOf(rendered), null, 2)}\n`
  if (there[recordFile] !== lines) merge.write[recordFile] = lines
  return merge
}

export const isEmpty = ({ write, remove }: Merge): boolean => !Object.keys(write).length && !remove.length
