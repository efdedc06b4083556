#!/usr/bin/env node
/** Make a cluster of k3s in a container, for development. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'

export const spec = {
  name: 'k3d-create',
  group: 'cluster',
  summary: 'Make a cluster of k3s in a container, for development',
  flags: {
    name: { type: 'string', default: 'raibid', description: 'what it is called' },
    'dry-run': { type: 'boolean', description: 'only say the command' },
    json: { type: 'boolean', description: 'print { kubeconfig, made }' },
  },
  examples: ['just k3d-create', 'just bootstrap --preset minimal --kubeconfig "$(just k3d-create)"'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const [{ checkName, createK3d, k3dCreate, k3dKubeconfig }, { hostAt }, { loadConfig }] = await Promise.all([
    import('#lib/cluster/k3d.ts'),
    import('#lib/cluster/host.ts'),
    import('#lib/config.ts'),
  ])
  const { home } = await loadConfig()
  const name = checkName(args.name)
  if (args.dryRun) return step(`[dry-run] ${k3dCreate(name, `${k3dKubeconfig(home, name)}.registries.yaml`).join(' ')}`)
  step(`k3d makes the cluster ${name}, or starts it`)
  const { kubeconfig, made } = await createK3d({ host: hostAt(), home, name, signal })
  if (args.json) printJson({ kubeconfig, made })
  else print(kubeconfig)
  ok(made ? `The cluster ${name} is there.` : `The cluster ${name} was there already.`)
  info(`  next: just bootstrap --preset minimal --kubeconfig ${kubeconfig}`)
}

if (import.meta.main) await main(spec, run)
