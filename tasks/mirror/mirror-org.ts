#!/usr/bin/env node
/** Mirror an organisation's or a user's repositories into Gitea. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { parseAccount } from '#lib/forge/listing/account.ts'
import { mirrorsPath, policyFlags, ruleOfFlags, runFlags } from '#lib/mirror/flags.ts'
import { compilePattern } from '#lib/mirror/pattern.ts'
import { mirrorRun } from '#lib/mirror/run.ts'

export const spec = {
  name: 'mirror-org',
  group: 'mirror',
  summary: "Mirror an organisation's or a user's repositories into Gitea",
  positionals: [
    {
      name: 'account',
      description: 'myorg (of GitHub), gitlab:group/subgroup, gitea:org@git.example, github:org@ghe.example',
      required: true,
    },
    { name: 'include', description: 'regular expression (RE2) over the name: only those; default: all' },
  ],
  flags: {
    exclude: { type: 'string', description: 'regular expression over the name: not those', placeholder: '<regex>' },
    private: { type: 'boolean', description: 'private ones too' },
    forks: { type: 'boolean', description: 'forks too' },
    archived: { type: 'boolean', description: 'archived ones too' },
    topics: { type: 'list', description: 'only those with this topic', placeholder: '<topic>' },
    language: { type: 'string', description: 'only those in this language', placeholder: '<name>' },
    ...policyFlags,
    save: { type: 'boolean', description: 'write this into mirrors.yaml, which just rescan reads' },
    'move-from': {
      type: 'list',
      description: 'take over the mirrors that another owner in our Gitea has',
      placeholder: '<owner>',
    },
    ...runFlags,
  },
  examples: [
    "just mirror-org myorg '^rust-' --dry-run",
    "just mirror-org myorg '^rust-' --exclude '-old$' --owner mirrors --save",
    'just mirror-org gitlab:group/subgroup --private --visibility private',
    'just mirror-org gitea:team@http://git.lan:3000',
  ],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const { account: text, include, save, dryRun, exitCode, yes, gitea, json, moveFrom, ...given } = args
  if (include !== undefined) compilePattern(include, 'include')
  if (args.exclude !== undefined) compilePattern(args.exclude, '--exclude')
  const config = await loadConfig()
  const known = config.forges.map(({ url }) => url)
  const rule = ruleOfFlags({ kind: 'account', account: parseAccount(text, known) }, { ...given, include })
  const done = await mirrorRun({
    ...{ recipe: 'mirror-org', config, rules: [rule], moveFrom, gitea, dryRun, exitCode, yes, json, signal },
  })
  if (save && done <= 1) {
    const path = mirrorsPath(config)
    if (dryRun) info(`it would be written into ${path}`)
    else {
      const { saveRule } = await import('#lib/mirror/save.ts')
      ok(`${path}: ${await saveRule(path, rule, known)}`)
    }
  }
  return done
}

if (import.meta.main) await main(spec, run)
