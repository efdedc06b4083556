#!/usr/bin/env node
import type { Args, Spec } from '#lib/cli/args.ts'
import { ask, canAsk } from '#lib/cli/ask.ts'
import { checklist, type Checklist, type ItemState } from '#lib/cli/checklist.ts'
import { info, ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { formatDuration } from '#lib/duration.ts'
import { RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'
import { choose, goOn, type Chosen } from '#lib/bootstrap/order.ts'
import { clusterChoice, mustKnow, openSession, withSettings, type Session } from '#lib/bootstrap/session.ts'
import type { Outcome, Progress } from '#lib/bootstrap/run.ts'
import { parseMirrors } from '#lib/cluster/mirrors.ts'

export const spec = {
  name: 'bootstrap',
  group: 'cluster',
  summary: 'Install everything, from k3s to a first build; a second time does nothing',
  flags: {
    preset: {
      type: 'string',
      choices: ['minimal', 'homelab', 'team', 'beast'],
      description: 'the size; default: homelab; remembered',
    },
    only: { type: 'list', placeholder: '<component>', description: 'only this component; may be repeated' },
    from: { type: 'string', placeholder: '<component>', description: 'this one and all after it' },
    skip: { type: 'list', placeholder: '<component>', description: 'not this one: it counts as there; may be repeated' },
    ...clusterChoice,
    airgap: {
      type: 'string',
      placeholder: '<folder>',
      description: 'take k3s’s files from this folder, and nothing from the network',
    },
    mirror: {
      type: 'list',
      placeholder: '<host=url>',
      description: 'download from this address instead of that host; may be repeated',
    },
    yes: { type: 'boolean', short: 'y', description: 'do not ask on a terminal' },
    'dry-run': { type: 'boolean', description: 'say what would be done, and touch nothing' },
    'exit-code': { type: 'boolean', description: 'with --dry-run: end with 1 when something would be done' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just bootstrap --dry-run', 'just bootstrap --preset team', 'just bootstrap --kubeconfig ~/.kube/config --skip k3s'],
} satisfies Spec
type Given = Args<typeof spec>

const states: Record<Progress['what'], ItemState> = {
  ...{ looks: 'looks', applies: 'works', waits: 'works', nothing: 'same', applied: 'done', skipped: 'skipped', failed: 'failed' },
  'not reached': 'waits',
}

export async function run(args: Given, { signal }: Context): Promise<number> {
  const { preset, kubeconfig, context, airgap } = args
  let list: Checklist | undefined
  let at = ''
  const given = { preset, kubeconfig, context, airgap, mirrors: parseMirrors(args.mirror) }
  const session = await openSession(given, { signal, warn, say: (text) => list?.set(at, 'works', text) })
  const chosen = choose(session.ordered, args)
  if (args.exitCode && !args.dryRun) throw new UsageError('--exit-code: is for --dry-run')
  if (args.dryRun) return dry(session, chosen, args)
  const [{ lockCluster }, runs] = await Promise.all([import('#lib/bootstrap/lock.ts'), import('#lib/bootstrap/run.ts')])
  const { ctx, journal } = session
  mustKnow(journal, given)
  if (canAsk() && !args.yes) {
    const where = ctx.settings.existing ? `into ${session.clusterName}` : 'with k3s on this machine'
    info(`This installs raibid-ci (${ctx.settings.preset}) ${where}.`)
    if (!/^(y(es)?)?$/i.test(await ask('Go on? [Y/n] ', signal))) throw new RaibidError('nothing was changed')
  }
  const release = lockCluster(ctx.home, spec.name)
  const started = performance.now()
  try {
    journal.change((state) => withSettings(state, ctx.settings))
    list = checklist(chosen.map(({ component }) => component))
    const emit = ({ name, what, reason = '', ms }: Progress): void => {
      at = name
      list?.set(name, states[what], safe(reason), ms)
    }
    const outcomes = await runs.run(chosen, ctx, { journal, emit })
    list.end()
    return ended(outcomes, Math.round(performance.now() - started), args)
  } catch (error) {
    list?.end()
    info(`${signal.aborted ? 'What was begun is taken up by' : '  to go on'}: ${goOn(at, args)}`)
    throw error
  } finally {
    release()
    ctx.forgetKube()
  }
}

function ended(outcomes: readonly Outcome[], ms: number, args: Given): number {
  const failed = outcomes.find(({ what }) => what === 'failed')
  const changed = outcomes.filter(({ what }) => what === 'applied').length
  const next = failed ? goOn(failed.name, args, failed.lacks) : null
  if (args.json) printJson({ ok: !failed, changed, ms, outcomes, next })
  for (const line of failed?.evidence ?? []) info(`    ${safe(line)}`)
  if (failed) {
    info(`  to go on: ${next}`)
    const text = `${failed.name}: ${failed.reason ?? 'it failed'}`
    throw failed.unreachable ? new UnreachableError(text) : new RaibidError(text)
  }
  ok(changed ? `${changed} made, ${outcomes.length - changed} as they were, in ${formatDuration(ms)}.` : 'Nothing to do.')
  return 0
}

async function dry({ ctx, clusterName }: Session, chosen: readonly Chosen[], args: Given): Promise<number> {
  const { dryRun, planText } = await import('#lib/bootstrap/dry-run.ts')
  const { capacities, capacityText } = await import('#lib/cluster/capacity.ts')
  const planned = await dryRun(chosen, ctx)
  // a cluster that can't be asked has said so above
  const room = await capacities(ctx).catch(() => [])
  ctx.forgetKube()
  const pending = planned.filter(({ steps }) => steps.length).length
  if (args.json) printJson({ preset: ctx.settings.preset, cluster: clusterName, pending, planned, capacity: room })
  else print(`${planText(planned)}${room.length ? `\n\n${capacityText(room, ctx.settings.preset)}` : ''}`)
  return args.exitCode && pending ? 1 : 0
}

if (import.meta.main) await main(spec, run)
