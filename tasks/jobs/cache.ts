#!/usr/bin/env node
/** List, prune or clear the caches of builds. */
import { formatBytes } from '#lib/bytes.ts'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { ago, iso } from '#lib/cli/time.ts'
import { scopeOf } from '#lib/cache/key.ts'
import { prune } from '#lib/cache/room.ts'
import { discard, listEntries, sizeOf, sweep, type Entry } from '#lib/cache/store.ts'
import { loadConfig } from '#lib/config.ts'
import { formatDuration } from '#lib/duration.ts'
import { UsageError } from '#lib/errors.ts'
import { shortRepo } from '#lib/jobs/show.ts'
import { parseRepo } from '#lib/repo.ts'

export const spec = {
  name: 'cache',
  group: 'jobs',
  summary: 'List, prune or clear the caches of builds',
  positionals: [
    { name: 'verb', description: 'list (default); prune what is too old or too much; clear all, or those of one repository' },
    { name: 'repo', description: 'only caches of this repository (URL or path)' },
  ],
  flags: {
    'dry-run': { type: 'boolean', description: 'only say what would be deleted' },
    yes: { type: 'boolean', description: 'clear the caches of all repositories without a repository named' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just cache', 'just cache prune --dry-run', 'just cache clear .', 'just cache clear --yes'],
} satisfies Spec

const verbs = ['list', 'prune', 'clear']

export async function run(args: Args<typeof spec>): Promise<number> {
  const verb = args.verb ?? 'list'
  if (!verbs.includes(verb)) throw new UsageError(`"${verb}" is not list, prune or clear`)
  if (verb === 'prune' && args.repo !== undefined) throw new UsageError('prune looks at all caches: leave out the repository')
  if (verb === 'clear' && args.repo === undefined && !args.yes && !args.dryRun)
    throw new UsageError('the caches of which repository? name it, or give --yes to clear them all')
  const {
    cache: { folder, ...limits },
  } = await loadConfig()
  const { entries } = await listEntries(folder, args.repo === undefined ? undefined : scopeOf(parseRepo(args.repo).url))
  if (verb === 'list') return (tell(entries, args.json), 0)
  let gone = entries
  if (verb === 'prune') gone = (await prune(folder, limits, { dryRun: args.dryRun })).map(({ entry }) => entry)
  else if (!args.dryRun) {
    for (const entry of entries) await discard(folder, entry.folder)
    await sweep(folder)
  }
  if (args.json) printJson(gone.map(publicly))
  else if (gone.length && args.dryRun) tell(gone, false)
  const size = formatBytes(gone.reduce((sum, entry) => sum + sizeOf(entry), 0))
  ok(`${gone.length} cache${gone.length === 1 ? '' : 's'} ${args.dryRun ? 'would be ' : ''}deleted (${size})`)
  return 0
}

const publicly = (entry: Entry): object => {
  const { scope, key, spares, meta } = entry
  const { madeAt, usedAt, near: _near, present: _present, ...more } = meta
  const times = { madeAt: iso(madeAt), usedAt: iso(usedAt) }
  return { key, scope, ...more, ...times, bytes: sizeOf(entry), spares: spares.length }
}

function tell(entries: Entry[], json: boolean): void {
  const byUse = [...entries].sort((a, b) => b.meta.usedAt - a.meta.usedAt)
  if (json) return printJson(byUse.map(publicly))
  if (byUse.length === 0) return info('no caches')
  print(
    table(byUse, [
      { title: 'REPOSITORY', value: ({ meta }) => shortRepo(meta.repo) },
      { title: 'PATHS', value: ({ meta }) => meta.paths.join(', ') },
      { title: 'KEY', value: ({ key }) => key.slice(0, 8) },
      { title: 'SIZE', value: (entry) => formatBytes(sizeOf(entry)) },
      { title: 'USED', value: ({ meta }) => ago(meta.usedAt) },
      { title: 'USES', value: ({ meta }) => meta.uses },
      { title: 'SAVED', value: ({ meta }) => (meta.savedMs ? formatDuration(meta.savedMs) : '') },
    ]),
  )
}

if (import.meta.main) await main(spec, run)
