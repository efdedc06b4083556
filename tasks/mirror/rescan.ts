#!/usr/bin/env node
/** Make mirrors what mirrors.yaml says: new ones, renamed ones, and those whose source is gone. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { loadMirrorsFile } from '#lib/mirror/file.ts'
import { mirrorsPath, runFlags } from '#lib/mirror/flags.ts'
import { mirrorRun } from '#lib/mirror/run.ts'

export const spec = {
  name: 'rescan',
  group: 'mirror',
  summary: 'Make mirrors what mirrors.yaml says: new, renamed, changed and gone ones',
  flags: {
    file: {
      type: 'string',
      description: 'that file; default: RAIBID_MIRRORS, else mirrors.yaml beside the justfile',
      placeholder: '<path>',
    },
    partial: {
      type: 'boolean',
      description: 'where an account can’t be listed, go on with the others; nothing is laid aside then',
    },
    'move-from': {
      type: 'list',
      description: 'take over the mirrors that another owner in our Gitea has',
      placeholder: '<owner>',
    },
    ...runFlags,
  },
  examples: ['just rescan --dry-run', 'just rescan', 'just rescan --dry-run --exit-code --json'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const { file, ...how } = args
  const config = await loadConfig()
  const path = mirrorsPath(config, file)
  const known = config.forges.map(({ url }) => url)
  const rules = await loadMirrorsFile(path, known)
  if (!rules.length) info(`${path} names nothing to mirror yet`)
  return mirrorRun({ recipe: 'rescan', config, rules, ...how, signal })
}

if (import.meta.main) await main(spec, run)
