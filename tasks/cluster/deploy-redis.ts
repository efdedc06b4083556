#!/usr/bin/env node
/** Install Redis alone. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { run as bootstrap, spec as all } from './bootstrap.ts'

const { only: _only, from: _from, ...flags } = all.flags

export const spec = {
  name: 'deploy-redis',
  group: 'cluster',
  summary: 'Install Redis alone',
  flags,
  examples: ['just deploy-redis', 'just deploy-redis --kubeconfig ~/.kube/config --dry-run'],
} satisfies Spec

export const run = (args: Args<typeof spec>, context: Context): Promise<number> =>
  bootstrap({ ...args, only: ['namespaces', 'redis'], from: undefined }, context)

if (import.meta.main) await main(spec, run)
