#!/usr/bin/env node
/** Show one job. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { ago } from '#lib/cli/time.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { formatDuration } from '#lib/duration.ts'
import { inOrder } from '#lib/jobs/in-order.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { duration, publicJob } from '#lib/jobs/show.ts'
import { failedTests, testsText } from '#lib/jobs/tests.ts'
import { limits } from '#lib/queue/limits.ts'
import type { Job } from '#lib/queue/types.ts'

export const spec = {
  name: 'job',
  group: 'jobs',
  summary: 'Show one job',
  positionals: [{ name: 'job', description: 'id, a tail of it, @latest (default) or @failed' }],
  flags: { json: { type: 'boolean', description: 'one JSON document' } },
  examples: ['just job', 'just job @failed --json'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const { reader } = await openQueue()
  const job = await reader.job(await nameToId(reader, args.job ?? '@latest'))
  if (!job) throw new Error('this job has been forgotten meanwhile')
  if (args.json) printJson(publicJob(job))
  else print(describe(job))
  return 0
}

function describe(job: Job): string {
  const took = duration(job)
  const facts: [string, string][] = [
    ['job', job.id],
    ['state', job.state + (job.reason ? `: ${job.reason}` : '')],
    ['repository', job.repo],
    ['branch', job.branch],
    ['commit', job.commit || '(head of the branch when it is cloned)'],
    ...(job.about['message']
      ? [['change', `${job.about['message']} (${job.about['by']}, ${job.about['ref']})`] as [string, string]]
      : []),
    ['pipeline', job.pipeline],
    ['pool', job.pool],
    [
      'attempt',
      `${job.attempt}${job.tries ? `, tries used up: ${job.tries} of ${limits.tries}` : ''}${job.agent ? ` on ${job.agent}` : ''}`,
    ],
    ['created', ago(job.createdAt)],
    ...(job.dueAt === null ? [] : [['again in', formatDuration(Math.max(0, job.dueAt - Date.now()))] as [string, string]]),
    ['took', took === null ? 'not begun' : formatDuration(took)],
  ]
  if (job.logCut.bytes)
    facts.push(['log', `${job.logCut.lines} lines (${job.logCut.bytes} bytes) cut to keep it within its budget`])
  const lines = facts.map(([name, value]) => `${name.padEnd(10)}  ${safe(value)}`)
  const steps = inOrder(job)
  if (!steps.length) return lines.join('\n')
  const shown = table(steps, [
    { title: 'STEP', value: (step) => step.name },
    { title: 'STATE', value: (step) => step.state },
    { title: 'EXIT', value: (step) => step.exitCode },
    { title: 'TIME', value: (step) => (step.durationMs === null ? '' : formatDuration(step.durationMs)) },
    {
      title: 'WHY',
      value: ({ reason, tests, image }) => [reason, tests && testsText(tests), image?.name].filter(Boolean).join('; '),
    },
  ])
  const failed = failedTests(steps).map((line) => `  ${safe(line)}`)
  return [...lines, '', shown, ...(failed.length ? ['', 'failed tests', ...failed] : [])].join('\n')
}

if (import.meta.main) await main(spec, run)
