#!/usr/bin/env node
/** Install Gitea alone: its database, organisation, config repository, tokens and webhook. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { run as bootstrap, spec as all } from './bootstrap.ts'

const { only: _only, from: _from, ...flags } = all.flags

export const spec = {
  name: 'deploy-gitea',
  group: 'cluster',
  summary: 'Install Gitea alone: its database, organisation, config repository, tokens and webhook',
  flags,
  examples: ['just deploy-gitea', 'just deploy-gitea --kubeconfig ~/.kube/config --dry-run'],
} satisfies Spec

export const run = (args: Args<typeof spec>, context: Context): Promise<number> =>
  bootstrap({ ...args, only: ['namespaces', 'postgres', 'gitea', 'gitea-setup'], from: undefined }, context)

if (import.meta.main) await main(spec, run)
