#!/usr/bin/env node
/** Say which rule decided about a repository, what is in Gitea, and what is next. */
import { existsSync } from 'node:fs'
import { formatBytes } from '#lib/bytes.ts'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { loadConfig } from '#lib/config.ts'
import { loadMirrorsFile } from '#lib/mirror/file.ts'
import { mirrorsPath } from '#lib/mirror/flags.ts'
import { rowJson, rowOf } from '#lib/mirror/mirror-table.ts'
import { ourGitea } from '#lib/mirror/place.ts'
import { explain, type Explained } from '#lib/mirror/why.ts'
import { ago } from '#lib/cli/time.ts'
import { timesOf } from '#lib/mirror/state.ts'

export const spec = {
  name: 'mirror-why',
  group: 'mirror',
  summary: 'Say which rule decided about a repository, what is in Gitea, and what is next',
  positionals: [
    {
      name: 'repo',
      description: 'address of a source, name of a mirror, or owner/name of a source that a rule looks at',
      required: true,
    },
  ],
  flags: {
    file: {
      type: 'string',
      description: 'the rules; default: RAIBID_MIRRORS, else mirrors.yaml beside the justfile',
      placeholder: '<path>',
    },
    gitea: { type: 'string', description: 'the Gitea that is meant, where raibid.yaml has several', placeholder: '<url>' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just mirror-why myorg/app', 'just mirror-why https://github.com/myorg/app', 'just mirror-why mirrors/app --json'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const config = await loadConfig()
  const gitea = ourGitea(config, args.gitea)
  const path = mirrorsPath(config, args.file)
  const known = config.forges.map(({ url }) => url)
  const rules = args.file !== undefined || existsSync(path) ? await loadMirrorsFile(path, known) : []
  const told = await explain(args.repo, { config, gitea, rules, signal })
  if (args.json) printJson(jsonOf(told))
  else for (const line of linesOf(told)) print(line)
  if (!args.json && !rules.length) info(`${path} names nothing: without it nobody but a command line decides`)
  return 0
}

function linesOf({ source, address, rules, mirrors, next }: Explained): string[] {
  const facts = source && [
    source.private ? 'private' : 'public',
    ...(source.fork ? ['a fork'] : []),
    ...(source.archived ? ['archived'] : []),
    ...(source.bytes === null ? [] : [formatBytes(source.bytes)]),
  ]
  return [
    `source  ${safe(source?.cloneUrl ?? address)}: ${facts ? facts.join(', ') : 'not there, or hidden from our token'}`,
    ...rules.map(({ because, mirrored }) => `rule    ${because}: ${mirrored ? 'mirrored' : 'not mirrored'}`),
    ...(rules.length ? [] : ['rule    none looks there']),
    ...mirrors.map((mirror) => {
      const { tried, succeeded } = timesOf(mirror)
      const when = (time: number | null): string => (time === null ? 'never' : ago(time))
      return `mirror  ${mirror.owner}/${mirror.name}: ${rowOf(mirror, Date.now()).state}, tried ${when(tried)}, last success ${when(succeeded)}`
    }),
    ...(mirrors.length ? [] : ['mirror  none']),
    `next    ${next ? `${next.kind === 'nothing' ? 'nothing to do' : `${next.kind} ${next.mirror}`}: ${next.reason}` : 'nothing: no rule looks there'}`,
  ]
}

function jsonOf({ source, address, rules, mirrors, next }: Explained): object {
  const step = next && {
    kind: next.kind,
    mirror: next.mirror,
    reason: next.reason,
    rule: next.rule,
    actions: next.actions.map((one) => one.do),
  }
  return {
    address: source?.cloneUrl ?? address,
    source,
    rules,
    mirrors: mirrors.map((mirror) => rowJson(rowOf(mirror, Date.now()))),
    next: step,
  }
}

if (import.meta.main) await main(spec, run)
