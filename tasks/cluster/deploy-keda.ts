#!/usr/bin/env node
/** Install KEDA alone: by Flux, or with --skip flux from its release. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { run as bootstrap, spec as all } from './bootstrap.ts'

const { only: _only, from: _from, ...flags } = all.flags

export const spec = {
  name: 'deploy-keda',
  group: 'cluster',
  summary: 'Install KEDA alone: by Flux, or with --skip flux from its release',
  flags,
  examples: ['just deploy-keda', 'just deploy-keda --kubeconfig ~/.kube/config --dry-run'],
} satisfies Spec

export const run = (args: Args<typeof spec>, context: Context): Promise<number> =>
  bootstrap({ ...args, only: ['keda'], from: undefined }, context)

if (import.meta.main) await main(spec, run)
