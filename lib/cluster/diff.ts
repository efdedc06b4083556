import type { KubeObject } from './types.ts'

/** One field that differs: its path, and what it is and would be (undefined: not there). */
export interface Difference {
  path: string
  from: unknown
  to: unknown
}

/** What the server keeps for itself: no wish of anybody's. */
const ownMetadata = ['managedFields', 'resourceVersion', 'generation', 'creationTimestamp', 'uid', 'selfLink']

function wishes(object: KubeObject): Record<string, unknown> {
  const { status: _, metadata, ...rest } = object
  const kept = Object.entries(metadata).filter(([name]) => !ownMetadata.includes(name))
  return { ...rest, metadata: Object.fromEntries(kept) }
}

/** The fields in which two states of one object differ, by path. The values of Secrets are not shown. */
export function differences(from: KubeObject, to: KubeObject): Difference[] {
  const found: Difference[] = []
  walk(wishes(from), wishes(to), '', found)
  if (from.kind !== 'Secret') return found
  const shown = (value: unknown): unknown => (value === undefined ? undefined : '(secret)')
  const hidden = ({ path }: Difference): boolean => /^(data|stringData)\b/.test(path)
  return found.map((one) => (hidden(one) ? { path: one.path, from: shown(one.from), to: shown(one.to) } : one))
}

function walk(from: unknown, to: unknown, path: string, found: Difference[]): void {
  if (from === to) return
  if (!isTree(from) || !isTree(to) || Array.isArray(from) !== Array.isArray(to)) {
    found.push({ path, from, to })
    return
  }
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const step = Array.isArray(from) ? `${path}[${key}]` : path ? `${path}.${key}` : key
    walk((from as Record<string, unknown>)[key], (to as Record<string, unknown>)[key], step, found)
  }
}

const isTree = (value: unknown): value is object => typeof value === 'object' && value !== null
