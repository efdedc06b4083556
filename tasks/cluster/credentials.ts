#!/usr/bin/env node
/** Say which logins there are, and where they are kept. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { messageOf, UnreachableError } from '#lib/errors.ts'
import { clusterChoice, openSession } from '#lib/bootstrap/session.ts'
import type { Credential } from '#lib/cluster/component.ts'

export const spec = {
  name: 'credentials',
  group: 'cluster',
  summary: 'Say which logins there are and where they are kept; --show prints them',
  flags: {
    ...clusterChoice,
    show: { type: 'boolean', description: 'print the passwords too' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just credentials', 'just credentials --show'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const { ctx, ordered } = await openSession(args, { signal, warn })
  const failed: unknown[] = []
  const asked = ordered.map(async (one): Promise<(Credential & { component: string })[]> => {
    try {
      return ((await one.credentials?.(ctx)) ?? []).map((login) => ({ component: one.name, ...login }))
    } catch (error) {
      if (signal.aborted) throw error
      failed.push(error)
      warn(`${one.name}: ${messageOf(error)}`)
      return []
    }
  })
  const found = (await Promise.all(asked)).flat()
  ctx.forgetKube()
  const unreachable = failed.find((error) => error instanceof UnreachableError)
  if (!found.length && unreachable) throw unreachable
  const logins = found.map((one) => (args.show ? one : { ...one, secret: one.secret === null ? null : '***' }))
  if (args.json) return printJson(logins)
  print(
    table(logins, [
      { title: 'WHAT', value: ({ name }) => name },
      { title: 'USER', value: ({ user }) => user },
      { title: 'PASSWORD', value: ({ secret }) => secret ?? '(not there)' },
      { title: 'WHERE', value: ({ where }) => where },
      { title: 'FOR', value: ({ url }) => url },
    ]),
  )
  if (!args.show && logins.length) info('--show prints the passwords.')
}

if (import.meta.main) await main(spec, run)
