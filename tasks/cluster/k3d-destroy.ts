#!/usr/bin/env node
/** Take away the cluster that k3d-create made. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { ask, canAsk } from '#lib/cli/ask.ts'
import { ok, printJson, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { RaibidError } from '#lib/errors.ts'

export const spec = {
  name: 'k3d-destroy',
  group: 'cluster',
  summary: 'Take away the cluster that k3d-create made, with everything in it',
  flags: {
    name: { type: 'string', default: 'raibid', description: 'what it is called' },
    yes: { type: 'boolean', short: 'y', description: 'yes, with all the data in it' },
    'dry-run': { type: 'boolean', description: 'only say the command' },
    json: { type: 'boolean', description: 'print { removed }' },
  },
  examples: ['just k3d-destroy --yes'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const [{ checkName, destroyK3d }, { hostAt }, { loadConfig }] = await Promise.all([
    import('#lib/cluster/k3d.ts'),
    import('#lib/cluster/host.ts'),
    import('#lib/config.ts'),
  ])
  const name = checkName(args.name)
  if (args.dryRun) return step(`[dry-run] k3d cluster delete ${name}`)
  const sure =
    args.yes || (canAsk() && /^y(es)?$/i.test(await ask(`Delete the cluster ${name} with all its data? [y/N] `, signal)))
  if (!sure) throw new RaibidError(`nothing was deleted: give --yes when ${name} may go with all its data`)
  const { home } = await loadConfig()
  const removed = await destroyK3d({ host: hostAt(), home, name, signal })
  if (args.json) printJson({ removed })
  ok(removed ? `The cluster ${name} is gone.` : `There was no cluster ${name}.`)
}

if (import.meta.main) await main(spec, run)
