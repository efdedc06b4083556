#!/usr/bin/env node
/** Show the mirrors in Gitea, and whether they are fresh. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { chosenMirrors } from '#lib/mirror/chosen.ts'
import { mirrorTable, rowJson, rowOf, type Row } from '#lib/mirror/mirror-table.ts'
import { ourGitea, sourceCredential } from '#lib/mirror/place.ts'
import { sideBySide } from '#lib/side-by-side.ts'
import { checkMirror } from '#lib/mirror/verify.ts'

export const spec = {
  name: 'mirrors',
  group: 'mirror',
  summary: 'Show the mirrors in Gitea, and whether they are fresh',
  positionals: [
    { name: 'which', description: 'name, address of the source, or regular expression over owner/name; default: all' },
  ],
  flags: {
    check: { type: 'boolean', description: 'compare branches and tags with those of the sources; 1 when one is not fresh' },
    gitea: { type: 'string', description: 'the Gitea that has them, where raibid.yaml has several', placeholder: '<url>' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just mirrors', 'just mirrors --check', "just mirrors '^mirrors/rust-' --json"],
} satisfies Spec

/** What is no cause for concern: a source that is gone was dealt with, and who pauses a mirror knows. */
const quiet = new Set(['fresh', 'gone', 'paused'])

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const config = await loadConfig()
  const { client, addressOf, credential } = ourGitea(config, args.gitea)
  const all = await client.mirrors({ signal })
  const chosen = args.which === undefined ? all : chosenMirrors(all, args.which)
  const own = credential()
  const credentialFor = (source: string) => sourceCredential(config, source)
  async function checked(row: Row): Promise<Row> {
    // of what is gone there is nothing to compare with
    if (row.state === 'gone') return row
    try {
      const options = { client, addressOf, own, credentialFor, signal, withinMs: 60_000 }
      const verified = await checkMirror(row.mirror, options)
      return { ...row, state: verified.state, verified }
    } catch (error) {
      return { ...row, state: 'failing', verified: { state: 'failing', why: messageOf(error), ms: null } }
    }
  }
  const plain = chosen.map((mirror) => rowOf(mirror, Date.now()))
  const rows = args.check ? await sideBySide(plain, 8, checked, signal) : plain
  if (args.json) printJson(rows.map(rowJson))
  else if (rows.length) print(mirrorTable(rows, Date.now()))
  const wrong = rows.filter(({ state }) => !quiet.has(state)).length
  if (!args.json)
    info(
      rows.length ? `${rows.length} mirror${rows.length === 1 ? '' : 's'}, ${wrong} of them not fresh` : 'there are no mirrors',
    )
  return args.check && wrong ? 1 : 0
}

if (import.meta.main) await main(spec, run)
