#!/usr/bin/env node
import type { Args } from '#lib/cli/args.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { deploySpec, withNeeds } from '#lib/bootstrap/deploy.ts'
import { run as bootstrap } from './bootstrap.ts'

export const spec = deploySpec('deploy-redis', 'Install Redis alone, with what it needs')

export async function run(args: Args<typeof spec>, context: Context): Promise<number> {
  const { components } = await import('#lib/cluster/components/index.ts')
  const only = withNeeds('redis', components)
  return bootstrap({ ...args, only, from: undefined, airgap: undefined, mirror: [] }, context)
}

if (import.meta.main) await main(spec, run)
