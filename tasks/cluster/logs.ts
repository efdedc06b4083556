#!/usr/bin/env node
/** Show the log of a component. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { print, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { UsageError } from '#lib/errors.ts'
import { clusterChoice, openSession } from '#lib/bootstrap/session.ts'

export const spec = {
  name: 'logs',
  group: 'cluster',
  summary: 'Show the log of a component of the cluster',
  positionals: [{ name: 'component', description: 'as `just status` calls it', required: true }],
  flags: {
    ...clusterChoice,
    tail: { type: 'number', default: 200, description: 'how many of its last lines' },
    follow: { type: 'boolean', short: 'f', description: 'go on with those that come, until Ctrl-C' },
  },
  examples: ['just logs gitea', 'just logs k3s --follow'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<void> {
  const { ctx, ordered } = await openSession(args, { signal, warn })
  const { component: name, tail, follow } = args
  const withLogs = ordered.filter(({ logs }) => logs)
  const component = withLogs.find((one) => one.name === name)
  if (!component?.logs)
    throw new UsageError(
      `${JSON.stringify(name.slice(0, 60))} is no component with a log; there are ${withLogs.map((one) => one.name).join(', ') || 'none'}`,
    )
  for await (const line of component.logs(ctx, { tail, follow })) print(process.stdout.isTTY ? safe(line) : line)
  ctx.forgetKube()
}

if (import.meta.main) await main(spec, run)
