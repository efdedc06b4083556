#!/usr/bin/env node
/** Start agents of a paused pool again. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { clusterFlags } from '#lib/cluster/chosen.ts'
import { changePool, described } from '#lib/pool/change.ts'

export const spec = {
  name: 'resume',
  group: 'pool',
  summary: 'Start agents of a paused pool again',
  positionals: [{ name: 'pool', description: 'name of the pool', required: true }],
  flags: { ...clusterFlags, json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just resume default', 'just resume gpu --cluster'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const result = await changePool(args, { do: 'resume' })
  if (args.json) printJson(result)
  else ok(described(result))
  return 0
}

if (import.meta.main) await main(spec, run)
