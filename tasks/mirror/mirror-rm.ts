#!/usr/bin/env node
/** Delete mirrors from Gitea. */
import { existsSync } from 'node:fs'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { deleted } from '#lib/mirror/clone.ts'
import { loadMirrorsFile } from '#lib/mirror/file.ts'
import { mirrorsPath } from '#lib/mirror/flags.ts'
import { goneTopic } from '#lib/mirror/identity.ts'
import { covers } from '#lib/mirror/idle.ts'
import { ourGitea } from '#lib/mirror/place.ts'

export const spec = {
  name: 'mirror-rm',
  group: 'mirror',
  summary: 'Delete mirrors from Gitea; their sources stay',
  positionals: [{ name: 'mirrors', description: 'owner/name, as just mirrors shows them', required: true, variadic: true }],
  flags: {
    yes: { type: 'boolean', description: 'delete them: what their sources have no more is gone for good' },
    'dry-run': { type: 'boolean', description: 'only say what would be deleted' },
    gitea: { type: 'string', description: 'the Gitea that has them, where raibid.yaml has several', placeholder: '<url>' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just mirror-rm mirrors/app --yes'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const names = args.mirrors.map((text) => {
    const [owner = '', name = '', ...more] = text.split('/')
    if (!owner || !name || more.length)
      throw new UsageError(`${JSON.stringify(text.slice(0, 100))} is not the name of a mirror: owner/name`)
    return { owner, name }
  })
  const config = await loadConfig()
  const { client, forge } = ourGitea(config, args.gitea)
  const found = await Promise.all(names.map((name) => client.found(name, { signal })))
  found.forEach((mirror, i) => {
    if (!mirror) throw new RaibidError(`${args.mirrors[i]} is not in ${forge.url}; nothing was deleted`)
    if (!mirror.mirror) throw new RaibidError(`${args.mirrors[i]} is no mirror but a repository of its own; nothing was deleted`)
  })
  const mirrors = found.filter((mirror) => mirror !== null)
  const path = mirrorsPath(config)
  const rules = existsSync(path)
    ? await loadMirrorsFile(
        path,
        config.forges.map(({ url }) => url),
      )
    : []
  for (const { owner, name, source } of mirrors.filter((one) => !one.topics.includes(goneTopic))) {
    const rule = rules.find((one) => covers(one, source))
    if (rule)
      warn(`${owner}/${name}: ${rule.where} looks at its source; unless that excludes it, the next rescan mirrors it anew`)
  }
  const doomed = mirrors.map(({ owner, name, source }) => ({ mirror: `${owner}/${name}`, source }))
  if (!args.yes && !args.dryRun) throw new UsageError(`${doomed.length} mirrors would be deleted; say so with --yes`)
  for (const mirror of args.dryRun ? [] : mirrors) await deleted(client, mirror, signal)
  if (args.json) printJson(doomed.map((one) => ({ ...one, deleted: !args.dryRun })))
  for (const { mirror, source } of args.json ? [] : doomed) {
    if (args.dryRun) info(`${mirror}, of ${source}`)
    else ok(`${mirror} is deleted; its source was ${source}`)
  }
  return 0
}

if (import.meta.main) await main(spec, run)
