#!/usr/bin/env node
/** Begin, check and show the configuration of this installation. */
import { copyFileSync, existsSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig, root } from '#lib/config.ts'
import { env as names } from '#lib/contract.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { openSession } from '#lib/bootstrap/session.ts'

export const spec = {
  name: 'config',
  group: 'cluster',
  summary: 'Begin, check and show the configuration of this installation',
  positionals: [
    { name: 'action', description: '`init`: raibid.yaml from the example; `validate`; `show`: what was decided', required: true },
  ],
  flags: {
    preset: { type: 'string', choices: ['minimal', 'homelab', 'team', 'beast'], description: 'with show: of this size' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just config init', 'just config validate', 'just config show --preset team'],
} satisfies Spec
type Given = Args<typeof spec>

const file = (): string => resolve(root, process.env[names.config] || 'raibid.yaml')

export async function run(args: Given, { signal }: Context): Promise<void> {
  if (args.preset !== undefined && args.action !== 'show') throw new UsageError('--preset: is for config show')
  if (args.action === 'init') return init(args)
  if (args.action === 'validate') return validate(args)
  if (args.action === 'show') return show(args, signal)
  throw new UsageError(`there is no action ${JSON.stringify(args.action.slice(0, 40))}: init, validate or show`)
}

function init({ json }: Given): void {
  const path = file()
  try {
    copyFileSync(join(root, 'raibid.example.yaml'), path, constants.COPYFILE_EXCL)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new RaibidError(`${path} is there already, and stays as it is`)
    throw new RaibidError(`${path} can't be written: ${(error as Error).message}`)
  }
  if (json) printJson({ file: path })
  else print(path)
  ok('It shows every key: keep what you need, and run `just config validate`.')
}

/** ConfigError names every mistake by file, line and key: exit code 2. */
async function validate({ json }: Given): Promise<void> {
  const { pools } = await loadConfig()
  const path = existsSync(file()) ? file() : null
  if (json) printJson({ valid: true, file: path, pools: Object.keys(pools) })
  ok(path ? `${path} is valid.` : 'There is no raibid.yaml: everything is as by default, and valid.')
}

async function show({ json, preset }: Given, signal: AbortSignal): Promise<void> {
  const [{ capacities, capacityText }, { stringify }, { redactedConfig }, { presets }] = await Promise.all([
    import('#lib/cluster/capacity.ts'),
    import('yaml'),
    import('#lib/bootstrap/redacted-config.ts'),
    import('#lib/cluster/presets.ts'),
  ])
  const { ctx } = await openSession({ preset }, { signal, warn })
  const { settings } = ctx
  const room = await capacities(ctx).catch((error: Error) => (warn(`how many agents fit is not known: ${error.message}`), []))
  ctx.forgetKube()
  const shown = { ...redactedConfig(ctx.config), cluster: { ...settings, size: presets[settings.preset] } }
  if (json) return printJson({ config: shown, capacity: room })
  print(stringify(shown, { aliasDuplicateObjects: false }).trimEnd())
  if (room.length) info(`\n${capacityText(room, settings.preset)}`)
}

if (import.meta.main) await main(spec, run)
