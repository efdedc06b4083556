#!/usr/bin/env node
/** Repair what drifted, and call a person where that does not help. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { clusterChoice, openSession } from '#lib/bootstrap/session.ts'
import type { Notice, Repaired } from '#lib/bootstrap/reconcile.ts'

export const spec = {
  name: 'reconcile',
  group: 'cluster',
  summary: 'Repair what drifted in the cluster; what repairs do not help is handed to a person',
  flags: {
    ...clusterChoice,
    once: { type: 'boolean', description: 'one turn; the default' },
    watch: { type: 'boolean', short: 'w', description: 'again and again, until Ctrl-C' },
    every: { type: 'duration', default: '30s', description: 'with --watch: how often' },
    'dry-run': { type: 'boolean', description: 'say what would be done' },
    'exit-code': { type: 'boolean', description: 'with --dry-run: end with 1 when something would be done' },
    json: { type: 'boolean', description: 'one JSON document; with --watch one a line' },
  },
  examples: ['just reconcile', 'just reconcile --watch', 'just reconcile --dry-run'],
} satisfies Spec

const bad: readonly Repaired['what'][] = ['repair', 'later', 'held', 'call', 'waits for a person']

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  if (args.once && args.watch) throw new UsageError('--once and --watch: choose one of them')
  if (args.exitCode && !args.dryRun) throw new UsageError('--exit-code: is for --dry-run')
  for (;;) {
    const done = await turn(args, signal).catch((error: unknown) => {
      // another verb is at work, or a disk is full for now: the next turn may find it otherwise
      if (!args.watch || signal.aborted || !(error instanceof RaibidError) || error instanceof UsageError) throw error
      warn(error.message)
      return []
    })
    if (args.json) printJson(done, { line: args.watch })
    else for (const one of done) tell(one)
    const wrong = done.filter(({ what, did }) => bad.includes(what) && did !== 'repaired')
    if (!args.watch) {
      if (!wrong.length && !args.json) ok('Everything that was installed is well.')
      return wrong.length && (!args.dryRun || args.exitCode) ? 1 : 0
    }
    await sleep(args.every, undefined, { signal })
  }
}

async function turn(args: Args<typeof spec>, signal: AbortSignal): Promise<Repaired[]> {
  const [{ reconcile }, { notify }, { lockCluster }] = await Promise.all([
    import('#lib/bootstrap/reconcile.ts'),
    import('#lib/bootstrap/notify.ts'),
    import('#lib/bootstrap/lock.ts'),
  ])
  const { ctx, journal, ordered } = await openSession(args, { signal, warn, say: (text) => info(`  ${text}`) })
  const release = args.dryRun ? () => {} : lockCluster(ctx.home, spec.name)
  const tellAll = (notice: Notice): Promise<void> => notify(notice, { webhook: ctx.config.notifyUrl, tell: warn })
  try {
    return await reconcile(ordered, ctx, { journal, notify: tellAll, dryRun: args.dryRun })
  } catch (error) {
    if (signal.aborted && !args.watch) info(`What was begun is taken up by: just ${spec.name}`)
    throw error
  } finally {
    release()
    ctx.forgetKube()
  }
}

function tell({ name, what, did, reason }: Repaired): void {
  const why = reason ? `: ${reason}` : ''
  if (did === 'repaired') ok(`${name} was repaired`)
  else if (did === 'failed') warn(`${name} could not be repaired${why}`)
  else if (what === 'repair') info(`▸ ${name} would be repaired${why}`)
  else if (what === 'later' || what === 'held') info(`· ${name} is not well${why}`)
  else if (what === 'waits for a person') warn(`${name} needs a person${why}; when it is mended: just bootstrap --from ${name}`)
}

if (import.meta.main) await main(spec, run)
