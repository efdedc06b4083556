#!/usr/bin/env node
/** Pack what somebody who helps would ask for, without what is secret. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { formatBytes } from '#lib/bytes.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { clusterChoice, openSession } from '#lib/bootstrap/session.ts'

export const spec = {
  name: 'diagnose',
  group: 'cluster',
  summary: 'Pack states, events and logs of the cluster into one file, without what is secret',
  flags: {
    ...clusterChoice,
    out: { type: 'string', placeholder: '<file>', description: 'default: raibid-diagnosis-<time>.tar.gz in this folder' },
    json: { type: 'boolean', description: 'print { file, bytes, holds }' },
  },
  examples: ['just diagnose', 'just diagnose --out /tmp/raibid.tar.gz'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const [{ ctx, journal, ordered }, { diagnosis }, { tar }] = await Promise.all([
    openSession(args, { signal, warn }),
    import('#lib/bootstrap/diagnose.ts'),
    import('#lib/bootstrap/tar.ts'),
  ])
  const at = new Date()
  const file = resolve(args.out ?? `raibid-diagnosis-${at.toISOString().replace(/[-:]|\.\d+/g, '')}.tar.gz`)
  const files = await diagnosis(ordered, ctx, journal.state())
  ctx.forgetKube()
  const packed = gzipSync(tar(files, at))
  try {
    // never over another file: that may be anybody's, with a mode of its own
    writeFileSync(file, packed, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new RaibidError(`${file} can't be written: ${messageOf(error)}; name another with --out`)
  }
  if (args.json) printJson({ file, bytes: packed.length, holds: Object.keys(files) })
  else print(file)
  ok(
    `${Object.keys(files).length} files, ${formatBytes(packed.length)}. What looks like a secret is ***; look into it before you send it.`,
  )
}

if (import.meta.main) await main(spec, run)
