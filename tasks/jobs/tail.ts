#!/usr/bin/env node
/** Follow a job's log; ends with the job's result. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { fail, info, ok, printJson } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { terminalText } from '#lib/cli/terminal.ts'
import { formatDuration } from '#lib/duration.ts'
import { failingStep, tellFailure } from '#lib/jobs/failure.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { logPrinter } from '#lib/jobs/print-log.ts'
import { duration, shortId } from '#lib/jobs/show.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import type { Job } from '#lib/queue/types.ts'

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
  const following = await open.another()
  const write = terminalText(process.stdout)
  const print = args.json ? (entry: object): void => printJson(entry, { line: true }) : logPrinter({ out: write, story: info })
  // with --failed the whole log is followed silently: which step failed is known at its end
  for await (const entry of followLog(following, id, { live: true, signal })) if (!args.failed) print(entry)
  if (signal.aborted) return 130
  const job = await open.reader.job(id)
  if (!job) return (fail(`job ${id} has been forgotten meanwhile`), 1)
  const broken = failingStep(job)
  if (args.failed && broken !== null) {
    for await (const entry of followLog(open.redis, id)) {
      if (entry.attempt === job.attempt && 'step' in entry && entry.step === broken) print(entry)
    }
  }
  if (args.json) return job.state === 'success' ? 0 : 1
  tellResult(job)
  for (const line of await tellFailure(open.redis, job, args.failed)) info(line)
  return job.state === 'success' ? 0 : 1
}

function tellResult(job: Job): void {
  const took = duration(job)
  const text = `job ${shortId(job.id)} ${job.state}${job.reason ? `: ${job.reason}` : ''}${took === null ? '' : ` (${formatDuration(took)})`}`
  if (job.state === 'success') ok(text)
  else fail(text)
}

if (import.meta.main) await main(spec, run)
