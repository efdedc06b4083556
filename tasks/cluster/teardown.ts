#!/usr/bin/env node
/** Take away what bootstrap installed. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { ask, canAsk } from '#lib/cli/ask.ts'
import { info, ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { formatDuration } from '#lib/duration.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { clusterChoice, openSession, type Session } from '#lib/bootstrap/session.ts'
import type { Component } from '#lib/cluster/component.ts'
import type { Removed } from '#lib/bootstrap/teardown.ts'

export const spec = {
  name: 'teardown',
  group: 'cluster',
  summary: 'Take away what bootstrap installed: names what is lost, and asks twice where that is data',
  flags: {
    only: { type: 'list', placeholder: '<component>', description: 'only this component; may be repeated' },
    ...clusterChoice,
    yes: { type: 'boolean', short: 'y', description: 'the first confirmation' },
    'i-mean': {
      type: 'string',
      placeholder: '<name>',
      description: 'the second one, where data is lost: the name of the cluster',
    },
    'dry-run': { type: 'boolean', description: 'say what would be removed and lost, and touch nothing' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just teardown --dry-run', 'just teardown --only serve --yes', 'just teardown --yes --i-mean raibid-ci'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const [session, { lookAll }, { leftHanging, mayGo, teardown, toRemove }, { lockCluster }] = await Promise.all([
    openSession(args, { signal, warn }),
    import('#lib/bootstrap/look.ts'),
    import('#lib/bootstrap/teardown.ts'),
    import('#lib/bootstrap/lock.ts'),
  ])
  const { ctx, journal, ordered } = session
  const going = toRemove(ordered, args.only)
  const found = await lookAll(ordered, ctx)
  const there = new Set(ordered.map(({ name }) => name).filter((name) => found.get(name)!.state !== 'absent'))
  const gone = going.filter((one) => mayGo(one, ctx) && there.has(one.name))
  const losing = gone.filter(({ losesData }) => losesData)
  const hanging = leftHanging(ordered, going, there)
  for (const { title } of gone) info(`- ${title}`)
  for (const { title, losesData } of losing) warn(`${title}: ${losesData}`)
  if (hanging.length) warn(`${hanging.join(', ')} will not work without it`)
  if (args.dryRun) {
    if (args.json)
      printJson({ cluster: session.clusterName, removes: gone.map(({ name }) => name), loses: losing.map(lost), hanging })
    else
      print(
        gone.length
          ? `${gone.length} components of ${session.clusterName} would be removed; nothing was.`
          : 'There is nothing to remove.',
      )
    return 0
  }
  if (gone.length) await confirm(losing, session, args, signal)
  const release = lockCluster(ctx.home, spec.name)
  try {
    const removed = await teardown(going, ctx, { journal, emit: tell })
    if (!args.only.length && !removed.some(({ what }) => what === 'left'))
      journal.change((state) => ({ ...state, settings: null }))
    return ended(removed, args.json)
  } catch (error) {
    const names = args.only.map((name) => ` --only ${name}`).join('')
    if (signal.aborted) info(`What was begun is taken up by: just ${spec.name}${names}`)
    throw error
  } finally {
    release()
    ctx.forgetKube()
  }
}

const lost = ({ name, losesData }: Component) => ({ name, what: losesData })

async function confirm(
  losing: readonly Component[],
  { clusterName }: Session,
  args: Args<typeof spec>,
  signal: AbortSignal,
): Promise<void> {
  const { confirmed } = await import('#lib/bootstrap/teardown.ts')
  const given: { yes: boolean; iMean?: string | undefined } = { yes: args.yes, iMean: args.iMean }
  if (canAsk()) {
    given.yes ||= /^y(es)?$/i.test(await ask(`Remove this from ${clusterName}? [y/N] `, signal))
    if (given.yes && losing.length) given.iMean ??= await ask(`Data is lost for good. Type ${clusterName} to go on: `, signal)
  }
  confirmed(losing, clusterName, given)
}

function tell({ name, what, ms, reason }: Omit<Removed, 'what'> & { what: Removed['what'] | 'removes' }): void {
  if (what === 'removed') ok(`${name} is gone, ${formatDuration(ms)}`)
  if (what === 'goes') info(`- ${name} goes ${safe(reason ?? '')}`)
  if (what === 'left') warn(`${name} is left: ${safe(reason ?? '')}`)
}

function ended(removed: readonly Removed[], json: boolean): number {
  const left = removed.filter(({ what }) => what === 'left')
  if (json) printJson({ ok: !left.length, removed })
  for (const line of left.flatMap(({ evidence = [] }) => evidence)) info(`    ${safe(line)}`)
  if (left.length) {
    const text = `left: ${left.map(({ name }) => name).join(', ')}; see why above, and run the same again`
    const away = left.find(({ unreachable }) => unreachable)
    throw away ? new UnreachableError(`${away.reason}; ${text}`) : new RaibidError(text)
  }
  ok(removed.some(({ what }) => what === 'removed') ? 'Everything that was to go is gone.' : 'There was nothing to remove.')
  return 0
}

if (import.meta.main) await main(spec, run)
