import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '#lib/config.ts'

const statement = /^(?:import|export)\s+(?!type\b)(?:[\w$*{},\s]+?\sfrom\s+)?'([^']+)'/gm

/** What a file imports when it is loaded; types and `await import()` cost nothing then. */
function imported(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(statement)].map(([, name = '']) => {
    if (name.startsWith('#')) return join(root, name.slice(1))
    return name.startsWith('.') ? resolve(dirname(file), name) : name
  })
}

/** Everything that loading a file loads: our files by path, packages by name. */
function graph(file: string, seen = new Set<string>()): Set<string> {
  for (const name of imported(file)) {
    if (seen.has(name)) continue
    seen.add(name)
    if (name.startsWith('/') && existsSync(name)) graph(name, seen)
  }
  return seen
}

const packages = (file: string) =>
  [...graph(join(root, file))].filter((name) => !name.startsWith('/') && !name.startsWith('node:'))
const sources = (pattern: string) => globSync(pattern, { cwd: root })

describe('what loading a file costs', () => {
  test.each(sources('tasks/**/*.ts'))('%s loads no Kubernetes client', (file) => {
    expect(packages(file)).not.toContain('@kubernetes/client-node')
  })

  test.each(['lib/cli/main.ts', 'lib/cli/table.ts', 'lib/cli/time.ts', 'lib/cli/usage.ts'])(
    '%s loads only minimist and picocolors',
    (file) => {
      expect(packages(file).filter((name) => !['minimist', 'picocolors'].includes(name))).toEqual([])
    },
  )

  test('config loads zod and yaml only when there is a raibid.yaml', () => {
    expect(packages('lib/config.ts')).toEqual([])
  })
})

describe('imports go tasks → lib ← agent', () => {
  const outside = (pattern: string, allowed: string[]) =>
    sources(pattern).flatMap((file) =>
      imported(join(root, file))
        .filter((name) => name.startsWith(root))
        .map((name) => relative(root, name))
        .filter((name) => !allowed.some((folder) => name.startsWith(folder)))
        .map((name) => `${file} → ${name}`),
    )

  test('lib', () => expect(outside('lib/**/*.ts', ['lib/'])).toEqual([]))
  test('agent', () => expect(outside('agent/**/*.ts', ['lib/', 'agent/'])).toEqual([]))
})
