#!/usr/bin/env node
/** Start no more agents of a pool; those at work finish. */
import { userInfo } from 'node:os'
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { clusterFlags } from '#lib/cluster/chosen.ts'
import { changePool, described } from '#lib/pool/change.ts'

export const spec = {
  name: 'pause',
  group: 'pool',
  summary: 'Start no more agents of a pool; those at work finish',
  positionals: [{ name: 'pool', description: 'name of the pool', required: true }],
  flags: {
    because: { type: 'string', description: 'why, for those who look at the queue', placeholder: '<text>' },
    ...clusterFlags,
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ["just pause default --because 'the disk is full'", 'just pause gpu --cluster'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const result = await changePool(args, {
    do: 'pause',
    because: `paused by ${userInfo().username}${args.because ? `: ${args.because}` : ''}`,
  })
  if (args.json) printJson(result)
  else ok(described(result))
  return 0
}

if (import.meta.main) await main(spec, run)
