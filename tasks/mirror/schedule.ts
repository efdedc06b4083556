#!/usr/bin/env node
/** Have a recipe run again and again. */
import { join } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { loadConfig } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { everyToCron, parseCron } from '#lib/schedule/cron-time.ts'
import { taskOf } from '#lib/schedule/recipe.ts'
import { idOf, recurring, secretsLeftBehind } from '#lib/schedule/recurring.ts'
import { chosenScheduler, schedulerNames, schedulerOf, schedulersHere, type SchedulerName } from '#lib/schedule/scheduler.ts'
import { columns, nextOf, shown } from '#lib/schedule/shown.ts'

export const spec = {
  name: 'schedule',
  group: 'mirror',
  summary: 'Have a recipe run again and again, by systemd or cron',
  positionals: [
    { name: 'action', description: 'install, remove or show; show when left out' },
    { name: 'recipe', description: 'the recipe, such as rescan' },
    { name: 'args', description: 'what the recipe is given; its flags go after "--"', variadic: true },
  ],
  flags: {
    every: { type: 'duration', description: 'how often: 1m to 30m, 1h to 12h, 1d or 7d' },
    cron: { type: 'string', description: 'when, as cron has it: minute, hour, day, month, weekday', placeholder: '<fields>' },
    with: {
      type: 'string',
      description: 'what keeps the time; default: systemd where it runs, else cron',
      choices: schedulerNames,
    },
    'dry-run': { type: 'boolean', short: 'n', description: 'print what would be written, and write nothing' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: [
    'just schedule install rescan --every 15m',
    "just schedule install rescan --cron '*/5 * * * *'",
    'just schedule remove rescan',
  ],
} satisfies Spec

type Given = Args<typeof spec>

export async function run(args: Given): Promise<number> {
  const { root, home } = await loadConfig()
  const place = { root, home, folder: join(home, files.schedule), env: process.env }
  const action = args.action ?? 'show'
  if (action === 'install') return install(args, place)
  if (action === 'remove') return remove(args, place)
  if (action === 'show') return show(args, place)
  throw new UsageError(`${JSON.stringify(action.slice(0, 40))} is not one of install, remove, show.`)
}

type Place = { root: string; home: string; folder: string; env: NodeJS.ProcessEnv }

async function install(args: Given, place: Place): Promise<number> {
  const { recipe, task } = taskOf(args.recipe, place.root, spec.name)
  if ((args.every === undefined) === (args.cron === undefined))
    throw new UsageError('say how often: --every 15m, or --cron "*/15 * * * *".')
  const it = recurring(recipe, task, args.args, parseCron(args.cron ?? everyToCron(args.every!)), place)
  const scheduler = await chosenScheduler(args.with as SchedulerName | undefined)
  const { did, writes } = await scheduler.plan(it)
  if (args.dryRun) {
    for (const text of did === 'unchanged' ? [] : writes) print(text)
    info(did === 'unchanged' ? `${recipe} is scheduled so already.` : `[dry-run] ${recipe} would be ${did} (${scheduler.name}).`)
    return 0
  }
  if (did !== 'unchanged') await scheduler.install(it)
  // or it would run twice
  for (const name of (await schedulersHere()).filter((other) => other !== scheduler.name))
    await (await schedulerOf(name)).remove(it.id, place)
  const [now] = (await scheduler.list(place)).filter(({ id }) => id === it.id)
  if (args.json) printJson({ did, ...shown(now!) })
  else
    ok(
      `just ${[recipe, ...args.args].join(' ')}: ${did === 'unchanged' ? 'scheduled so already' : did}, ${now!.time} by ${now!.by}${nextOf(now!)}`,
    )
  for (const text of await scheduler.warnings()) warn(text)
  const left = secretsLeftBehind(process.env, place.root)
  if (left.length)
    warn(`only this shell has ${left.join(', ')}: what runs by itself finds them in .env, or in a tokenFile of raibid.yaml`)
  return 0
}

async function remove(args: Given, place: Place): Promise<number> {
  if (!args.recipe) throw new UsageError('missing argument <recipe>.')
  const id = idOf(args.recipe, place)
  const names = args.with ? [args.with as SchedulerName] : await schedulersHere()
  const done = []
  for (const name of names)
    done.push(args.dryRun ? await wouldRemove(name, id, place) : await (await schedulerOf(name)).remove(id, place))
  const removed = done.includes('removed')
  if (args.json) printJson({ did: removed ? 'removed' : 'nothing', id })
  else
    ok(removed ? `${args.recipe} is scheduled no more${args.dryRun ? ' (dry run)' : ''}.` : `${args.recipe} was not scheduled.`)
  return 0
}

const wouldRemove = async (name: SchedulerName, id: string, place: Place) =>
  (await (await schedulerOf(name)).list(place)).some((one) => one.id === id) ? 'removed' : 'nothing'

async function show(args: Given, place: Place): Promise<number> {
  const names = args.with ? [args.with as SchedulerName] : await schedulersHere()
  const all = (await Promise.all(names.map(async (name) => (await schedulerOf(name)).list(place)))).flat()
  const asked = all.filter(({ recipe }) => !args.recipe || recipe === args.recipe)
  if (args.json) printJson(asked.map(shown))
  else if (asked.length) print(table(asked, columns))
  else info(args.recipe ? `${args.recipe} is not scheduled.` : 'nothing is scheduled: just schedule install rescan --every 15m')
  return args.recipe && !asked.length ? 1 : 0
}

if (import.meta.main) await main(spec, run)
