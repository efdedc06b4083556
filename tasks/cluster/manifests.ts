#!/usr/bin/env node
/** Write what is applied to a cluster, and check that the node holds it. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import type { Fit } from '#lib/cluster/fit.ts'

export const spec = {
  name: 'manifests',
  group: 'cluster',
  summary: 'Write what is applied to a cluster, and check that the node holds it',
  flags: {
    overlay: { type: 'string', choices: ['spark', 'dev'], default: 'spark', description: 'for which machine' },
    out: { type: 'string', placeholder: '<folder>', description: 'write one file for each object, and not to stdout' },
    node: { type: 'string', placeholder: '<cpu=…,memory=…>', description: 'what the node has; default: the overlay’s machine' },
    json: { type: 'boolean', description: 'one JSON document: objects and sum' },
  },
  examples: [
    'just manifests | kubectl apply --server-side -f -',
    'just manifests --overlay dev --out /tmp/manifests',
    'just manifests --node cpu=8,memory=32Gi > /dev/null',
  ],
} satisfies Spec

/** The sum as a table: thousandths of a core and bytes as people read them. */
export function fitTable({ rows, total, node }: Fit): string {
  const cores = (milli: number) => (milli / 1000).toFixed(2)
  const gib = (size: number) => (size / 2 ** 30).toFixed(1)
  const all = [...rows, { name: 'sum', count: null, each: total }, { name: 'the node has', count: null, each: node }]
  return table(all, [
    { title: 'WHAT', value: ({ name }) => name },
    { title: 'PODS', value: ({ count }) => count },
    { title: 'CORES', value: ({ count, each }) => cores((count ?? 1) * each.cpu) },
    { title: 'GIB', value: ({ count, each }) => gib((count ?? 1) * each.memory) },
    { title: 'GPU', value: ({ count, each }) => (count ?? 1) * each.gpu },
  ])
}

/** Our own earlier files go, so that what is no longer rendered is no longer there; a folder with anything else in it is refused. */
function write(folder: string, files: Record<string, string>): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new UsageError(`--out: ${folder} is no folder.`)
  mkdirSync(folder, { recursive: true })
  const list = join(folder, 'kustomization.yaml')
  const isOurs = existsSync(list) && readFileSync(list, 'utf8').startsWith(files['kustomization.yaml']!.split('\n')[0]!)
  const there = readdirSync(folder)
  if (there.length && !isOurs) throw new UsageError(`--out: ${folder} has other things in it; name an empty folder.`)
  for (const name of there) if (name.endsWith('.yaml')) rmSync(join(folder, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

export async function run(args: Args<typeof spec>): Promise<void> {
  const [{ loadConfig }, { render, asYaml, asFiles }, { fit }, { overlay, parseNode }, { readPins }] = await Promise.all([
    import('#lib/config.ts'),
    import('#lib/cluster/render.ts'),
    import('#lib/cluster/fit.ts'),
    import('#lib/cluster/overlays.ts'),
    import('#lib/cluster/pins.ts'),
  ])
  const name = args.overlay === 'dev' ? 'dev' : 'spark'
  const machine = overlay(name)
  const node = args.node === undefined ? machine.node : parseNode(args.node)
  const objects = render(await loadConfig(), name, readPins())
  const sum = fit(objects, { ...machine, node })
  if (args.json) printJson({ objects, fit: sum })
  else info(fitTable(sum))
  // Nothing is written that could not run: `| kubectl apply` gets an empty document.
  if (sum.problem) throw new RaibidError(sum.problem)
  if (args.out !== undefined) write(resolve(args.out), asFiles(objects))
  else if (!args.json) print(asYaml(objects).trimEnd())
  ok(
    `${objects.length} objects${args.out === undefined ? '' : ` in ${args.out}`}; the node holds them with every pool at its maximum.`,
  )
}

if (import.meta.main) await main(spec, run)
