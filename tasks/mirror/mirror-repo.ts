#!/usr/bin/env node
/** Mirror one repository into Gitea. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { RaibidError } from '#lib/errors.ts'
import { cloneAddress } from '#lib/mirror/place.ts'
import { mirrorsPath, policyFlags, ruleOfFlags, runFlags } from '#lib/mirror/flags.ts'
import { mirrorRun } from '#lib/mirror/run.ts'

export const spec = {
  name: 'mirror-repo',
  group: 'mirror',
  summary: 'Mirror one repository into Gitea',
  positionals: [
    {
      name: 'url',
      description: 'its https address; by ssh too, where its forge is known: Gitea itself mirrors by https',
      required: true,
    },
  ],
  flags: {
    name: { type: 'string', description: "name of the mirror; default: the source's", placeholder: '<name>' },
    ...policyFlags,
    save: { type: 'boolean', description: 'write this into mirrors.yaml, which just rescan reads' },
    ...runFlags,
  },
  examples: [
    'just mirror-repo https://github.com/BurntSushi/walkdir --owner mirrors',
    'just mirror-repo git@github.com:me/app.git',
  ],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const { url: given, save, dryRun, exitCode, yes, gitea, json, ...policy } = args
  const config = await loadConfig()
  const url = cloneAddress(given, config.forges)
  const rule = ruleOfFlags({ kind: 'repo', url }, policy)
  const done = await mirrorRun({
    ...{ recipe: 'mirror-repo', config, rules: [rule], gitea, dryRun, exitCode, yes, json, signal },
    inspect({ found }, { steps }) {
      if (found.length && !found[0]!.repos.length && !steps.length)
        throw new RaibidError(`there is no repository ${url}, or our token may not see it`)
    },
  })
  if (save && done <= 1) {
    const path = mirrorsPath(config)
    if (dryRun) info(`it would be written into ${path}`)
    else {
      const { saveRule } = await import('#lib/mirror/save.ts')
      ok(`${path}: ${await saveRule(path, rule)}`)
    }
  }
  return done
}

if (import.meta.main) await main(spec, run)
