#!/usr/bin/env node
/** Follow a job's log; ends with the job's result. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { follow } from '#lib/jobs/follow.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'

export const spec = {
  name: 'tail',
  group: 'jobs',
  summary: "Follow a job's log; ends with the job's result",
  positionals: [{ name: 'job', description: 'id, a tail of it, @latest (default) or @failed' }],
  flags: {
    failed: { type: 'boolean', description: 'only the output of the step that failed, once it is known' },
    json: { type: 'boolean', description: 'one JSON document a line' },
  },
  examples: ['just tail', 'just tail 7QK2 --failed', 'just tail @failed > build.log'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const open = await openQueue()
  const id = await nameToId(open.reader, args.job ?? '@latest')
  return follow(open, id, { signal, json: args.json, failed: args.failed })
}

if (import.meta.main) await main(spec, run)
