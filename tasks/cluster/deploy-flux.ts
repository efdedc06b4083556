#!/usr/bin/env node
/** Install Flux alone, and have it keep what the config repository says. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { run as bootstrap, spec as all } from './bootstrap.ts'

const { only: _only, from: _from, ...flags } = all.flags

export const spec = {
  name: 'deploy-flux',
  group: 'cluster',
  summary: 'Install Flux alone, and have it keep what the config repository says',
  flags,
  examples: ['just deploy-flux', 'just deploy-flux --kubeconfig ~/.kube/config --dry-run'],
} satisfies Spec

export const run = (args: Args<typeof spec>, context: Context): Promise<number> =>
  bootstrap({ ...args, only: ['flux'], from: undefined }, context)

if (import.meta.main) await main(spec, run)
