#!/usr/bin/env node
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Spec } from '#lib/cli/args.ts'
import { ok } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { configTable, envTable, flagsSection, parseJustfile, recipesTable, splice } from '#lib/docs.ts'
import { RaibidError } from '#lib/errors.ts'

export const spec = {
  name: 'docs',
  group: 'check',
  summary: 'Write the generated parts of the README',
  flags: { check: { type: 'boolean', description: 'Change nothing; fail when the README is out of date' } },
  examples: ['just docs', 'just docs --check'],
} satisfies Spec

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** The spec of every task file. */
export async function taskSpecs(): Promise<Spec[]> {
  const paths = globSync('tasks/**/*.ts', { cwd: root }).sort()
  const specs = paths.map(async (path): Promise<Spec> => {
    // Not itself: a module that is still running can't be waited for.
    if (join(root, path) === import.meta.filename) return spec
    return ((await import(join(root, path))) as { spec: Spec }).spec
  })
  return Promise.all(specs)
}

/** The README as the specs, the justfile, the config schema and lib/contract.ts make it. */
export async function renderReadme(readme = read('README.md')): Promise<string> {
  const [{ z }, { configSchema }, { mirrorsSchema }, { raibidSchema }, specs] = await Promise.all([
    import('zod'),
    import('#lib/config-schema.ts'),
    import('#lib/mirror/file-schema.ts'),
    import('#lib/pipeline/schema.ts'),
    taskSpecs(),
  ])
  const contract = read('lib/contract-env.ts')
  return splice(readme, {
    recipes: recipesTable(parseJustfile(read('justfile')), specs),
    flags: flagsSection(specs),
    config: configTable(z.toJSONSchema(configSchema, { io: 'input' }) as Parameters<typeof configTable>[0]),
    'mirrors-file': configTable(z.toJSONSchema(mirrorsSchema, { io: 'input' }) as Parameters<typeof configTable>[0]),
    'pipeline-file': configTable(raibidSchema()),
    environment: envTable(contract, 'env'),
    'step-environment': envTable(contract, 'stepEnv'),
  })
}

if (import.meta.main) {
  await main(spec, async ({ check }) => {
    const now = read('README.md')
    const wanted = await renderReadme(now)
    if (now === wanted) return ok('README.md is up to date.')
    if (check) throw new RaibidError('README.md is out of date; run: just docs')
    writeFileSync(join(root, 'README.md'), wanted)
    ok('README.md written.')
  })
}
