#!/usr/bin/env node
/** Record what images and releases are, byte by byte. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { UnreachableError } from '#lib/errors.ts'
import { parseMirrors } from '#lib/cluster/mirrors.ts'
import type { Pinned } from '#lib/cluster/pin.ts'

export const spec = {
  name: 'pin',
  group: 'cluster',
  summary: 'Record what images and releases are, byte by byte, in manifests/pins.json',
  flags: {
    mirror: { type: 'list', placeholder: '<host=url>', description: 'ask this address instead of that host; may be repeated' },
    out: { type: 'string', placeholder: '<file>', description: 'write another file' },
    'dry-run': { type: 'boolean', description: 'ask and show, but write nothing' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just pin', 'just pin --mirror docker.io=https://mirror.example --dry-run'],
} satisfies Spec

const short = (digest: string): string => digest.slice(0, 'sha256:'.length + 12)
function stateOf({ found, before, reason }: Pinned): string {
  if (!found) return `${before ? `kept as ${short(before)}` : 'NOT PINNED'}: ${reason}`
  return before === found ? `${short(found)}, unchanged` : `${short(found)}${before ? `, was ${short(before)}` : ', new'}`
}

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const mirrors = parseMirrors(args.mirror)
  const [{ loadConfig }, { render }, pins, { findPins, pinsOf }, names, { cluster }] = await Promise.all([
    import('#lib/config.ts'),
    import('#lib/cluster/render.ts'),
    import('#lib/cluster/pins.ts'),
    import('#lib/cluster/pin.ts'),
    import('#lib/cluster/releases.ts'),
    import('#lib/contract.ts'),
  ])
  const config = await loadConfig()
  const objects = (['spark', 'dev'] as const).flatMap((overlay) => render(config, overlay, { images: {}, releases: {} }))
  // Those that are built here, and those that raibid.yaml pins itself, are in no registry to be asked.
  const used = pins.imagesOf(objects).filter((name) => !name.startsWith(`${cluster.image}:`) && !name.includes('@'))
  const images = [...new Set([...used, ...names.images])].sort()
  const file = args.out === undefined ? pins.pinsFile : resolve(args.out)
  const all = await findPins({ images, releases: names.releases, before: pins.readPins(file), mirrors, signal })
  if (args.json) printJson(all)
  else
    print(
      table(all, [
        { title: 'WHAT', value: ({ name }) => name },
        { title: 'STATE', value: stateOf },
      ]),
    )
  const found = all.filter((one) => one.found).length
  if (!found)
    throw new UnreachableError(
      `nothing could be asked, and nothing was written: ${all[0]?.reason}. Run it where the network allows it.`,
    )
  if (!args.dryRun) writeFileSync(file, `${JSON.stringify(pinsOf(all), null, 2)}\n`)
  if (found < all.length) warn(`${all.length - found} of ${all.length} could not be asked; each is named above.`)
  ok(`${found} of ${all.length} are known${args.dryRun ? '' : `; written to ${file}`}.`)
}

if (import.meta.main) await main(spec, run)
