import { z } from 'zod'
import { RaibidError } from '#lib/errors.ts'

const path = z.string().regex(/^\//)
const operations = z.array(
  z.discriminatedUnion('op', [
    z.strictObject({ op: z.enum(['add', 'replace']), path, value: z.unknown() }),
    z.strictObject({ op: z.literal('remove'), path }),
  ]),
)

type Node = Record<string, unknown> | unknown[]

/** A copy with the operations of a JSON patch (RFC 6902: add, replace, remove) done. What is replaced or removed has to be there. */
export function applyPatch<T>(document: T, patch: unknown): T {
  const result = structuredClone(document)
  for (const operation of operations.parse(patch)) {
    const keys = operation.path.slice(1).split('/').map(unescaped)
    const last = keys.pop()!
    const parent = keys.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], result) as
      Node | undefined
    const isThere = typeof parent === 'object' && parent !== null && (operation.op === 'add' || last in parent)
    if (!isThere) throw new RaibidError(`there is nothing at ${operation.path} to ${operation.op}`)
    if (operation.op === 'remove') remove(parent, last)
    else if (Array.isArray(parent) && operation.op === 'add')
      parent.splice(last === '-' ? parent.length : Number(last), 0, operation.value)
    else (parent as Record<string, unknown>)[last] = operation.value
  }
  return result
}

function remove(parent: Node, key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else delete parent[key]
}

const unescaped = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~')
