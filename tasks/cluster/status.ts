#!/usr/bin/env node
/** Say how every component is. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Args, Spec } from '#lib/cli/args.ts'
import { print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { clusterChoice, openSession } from '#lib/bootstrap/session.ts'

export const spec = {
  name: 'status',
  group: 'cluster',
  summary: 'Say how every component of the cluster is; ends with 1 when one is not healthy',
  flags: {
    ...clusterChoice,
    watch: { type: 'boolean', short: 'w', description: 'again and again, until Ctrl-C' },
    every: { type: 'duration', default: '5s', description: 'with --watch: how often' },
    json: { type: 'boolean', description: 'one JSON document; with --watch one a line' },
  },
  examples: ['just status', 'just status --watch', 'just status --json'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const [{ lookAll }, { allWell, statusRows, statusText }] = await Promise.all([
    import('#lib/bootstrap/look.ts'),
    import('#lib/bootstrap/status.ts'),
  ])
  for (;;) {
    // anew each time: a cluster may come, and notes change
    const { ctx, journal, ordered, clusterName } = await openSession(args, { signal, warn })
    const rows = statusRows(ordered, await lookAll(ordered, ctx), journal.state())
    const healthy = allWell(rows)
    ctx.forgetKube()
    if (args.json)
      printJson({ healthy, cluster: clusterName, preset: ctx.settings.preset, components: rows }, { line: args.watch })
    else print(`${args.watch && process.stdout.isTTY ? '\x1b[H\x1b[2J' : ''}${statusText(rows, Date.now())}`)
    if (!args.watch) return healthy ? 0 : 1
    await sleep(args.every, undefined, { signal })
  }
}

if (import.meta.main) await main(spec, run)
