#!/usr/bin/env node
/** Make, list and revoke tokens for the API. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { ago, iso } from '#lib/cli/time.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { openQueue } from '#lib/jobs/open.ts'
import { roles, tokens, type Role } from '#lib/queue/tokens.ts'

export const spec = {
  name: 'token',
  group: 'pool',
  summary: 'Make, list and revoke tokens for the API',
  positionals: [
    { name: 'verb', description: 'create, list (default) or revoke' },
    { name: 'name', description: 'create: what the token is for; revoke: its id' },
  ],
  flags: {
    role: {
      type: 'string',
      description: 'read (look), run (also start, cancel, retry) or admin (also approve)',
      default: 'read',
      placeholder: '<role>',
    },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just token create laptop --role run', 'just token', 'just token revoke 1f3a9c02'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const { verb = 'list', name } = args
  if (!['create', 'list', 'revoke'].includes(verb))
    throw new UsageError(`${JSON.stringify(verb)}: create, list or revoke is expected`)
  if (verb !== 'list' && !name)
    throw new UsageError(verb === 'create' ? 'create: a name is needed' : 'revoke: the id of a token is needed')
  if (!roles.includes(args.role as Role))
    throw new UsageError(`--role: ${JSON.stringify(args.role)} is none of ${roles.join(', ')}`)
  const { redis } = await openQueue()
  const known = tokens(redis)
  if (verb === 'create') {
    if (!/^[\w.@ -]{1,60}$/.test(name!))
      throw new UsageError(`${JSON.stringify(name!.slice(0, 80))} is not a name: letters, digits, . _ @ - and blanks`)
    const { token, view } = await known.create(name!, args.role as Role)
    if (args.json) printJson({ token, ...view, createdAt: iso(view.createdAt) })
    else {
      print(token)
      info(`  it is shown this once; just token revoke ${view.id} ends it`)
    }
  } else if (verb === 'revoke') {
    if (!(await known.revoke(name!)))
      throw new RaibidError(`there is no token ${JSON.stringify(name!.slice(0, 40))}; see just token`)
    ok(`token ${name} is revoked`)
  } else {
    const all = (await known.list()).sort((a, b) => a.createdAt - b.createdAt)
    if (args.json) printJson(all.map((one) => ({ ...one, createdAt: iso(one.createdAt) })))
    else if (all.length === 0) info('no tokens')
    else
      print(
        table(all, [
          { title: 'TOKEN', value: (one) => one.id },
          { title: 'NAME', value: (one) => one.name },
          { title: 'ROLE', value: (one) => one.role },
          { title: 'CREATED', value: (one) => ago(one.createdAt) },
        ]),
      )
  }
  return 0
}

if (import.meta.main) await main(spec, run)
