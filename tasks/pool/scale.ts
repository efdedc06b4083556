#!/usr/bin/env node
/** Set how many agents of a pool may run at once. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { clusterFlags } from '#lib/cluster/chosen.ts'
import { changePool, described } from '#lib/pool/change.ts'
import { UsageError } from '#lib/errors.ts'

export const spec = {
  name: 'scale',
  group: 'pool',
  summary: 'Set how many agents of a pool may run at once',
  positionals: [
    { name: 'pool', description: 'name of the pool', required: true },
    { name: 'max', description: 'agents at the most, 1 or more', required: true },
  ],
  flags: { ...clusterFlags, json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just scale default 4', 'just scale gpu 1 --cluster'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const max = Number(args.max)
  if (!/^\d{1,6}$/.test(args.max) || max < 1)
    throw new UsageError(`max: ${JSON.stringify(args.max)} is not a whole number ≥ 1; to start none, use \`just pause\``)
  const result = await changePool(args, { do: 'scale', max })
  if (args.json) printJson(result)
  else ok(described(result))
  return 0
}

if (import.meta.main) await main(spec, run)
