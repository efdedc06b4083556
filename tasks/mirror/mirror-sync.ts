#!/usr/bin/env node
/** Have mirrors synchronised, and wait until they have all that their sources have. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { progressLine } from '#lib/cli/progress.ts'
import { loadConfig } from '#lib/config.ts'
import { messageOf, UsageError } from '#lib/errors.ts'
import { chosenMirrors } from '#lib/mirror/chosen.ts'
import { mirrorTable, rowJson, rowOf, type Row } from '#lib/mirror/mirror-table.ts'
import { ourGitea, sourceCredential } from '#lib/mirror/place.ts'
import { sideBySide } from '#lib/side-by-side.ts'
import { syncMirror } from '#lib/mirror/verify.ts'

export const spec = {
  name: 'mirror-sync',
  group: 'mirror',
  summary: 'Have mirrors synchronised, and wait until they have all that their sources have',
  positionals: [{ name: 'which', description: 'name, address of the source, or regular expression over owner/name' }],
  flags: {
    all: { type: 'boolean', description: 'every mirror whose source is not gone' },
    timeout: { type: 'duration', description: 'how long each may take', default: '10m' },
    gitea: { type: 'string', description: 'the Gitea that has them, where raibid.yaml has several', placeholder: '<url>' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just mirror-sync app', "just mirror-sync '^mirrors/rust-'", 'just mirror-sync --all --timeout 30m'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  if (args.all === (args.which !== undefined))
    throw new UsageError(
      args.all ? '--all and a name: give one of them' : 'which mirror? Give a name, a regular expression, or --all',
    )
  const config = await loadConfig()
  const { client, addressOf, credential } = ourGitea(config, args.gitea)
  const all = await client.mirrors({ signal })
  const named =
    args.which === undefined ? all.map((mirror) => rowOf(mirror, Date.now())).filter(({ state }) => state !== 'gone') : null
  const rows = named ?? chosenMirrors(all, args.which!).map((mirror) => rowOf(mirror, Date.now()))
  if (!args.json) step(`${rows.length} mirror${rows.length === 1 ? '' : 's'}`)
  const line = progressLine()
  let ended = 0
  const credentialFor = (source: string) => sourceCredential(config, source)
  const options = { client, addressOf, own: credential(), credentialFor, signal, withinMs: args.timeout }
  const done = await sideBySide(
    rows,
    8,
    async (row): Promise<Row> => {
      const verified = await syncMirror(row.mirror, options).catch((error: unknown) => {
        if (signal.aborted) throw error
        return { state: 'failing' as const, why: messageOf(error), ms: null }
      })
      line.set(`${++ended} of ${rows.length} synchronised`)
      return { mirror: (await client.found(row.mirror, { signal })) ?? row.mirror, state: verified.state, verified }
    },
    signal,
  ).finally(() => line.end())
  if (args.json) printJson(done.map(rowJson))
  else if (done.length) print(mirrorTable(done, Date.now()))
  const wrong = done.filter(({ state }) => state !== 'fresh').length
  if (!args.json) info(`${done.length - wrong} fresh, ${wrong} not`)
  return wrong ? 1 : 0
}

if (import.meta.main) await main(spec, run)
