#!/usr/bin/env node
/** Check a repository’s .raibid.yaml, and say what would be run. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { loadConfig } from '#lib/config.ts'
import { formatDuration } from '#lib/duration.ts'
import { UsageError } from '#lib/errors.ts'
import { lint, shownProblem, type Linted } from '#lib/pipeline/lint.ts'
import type { Plan } from '#lib/pipeline/plan.ts'
import { stepEnvironment } from '#lib/pipeline/step-env.ts'

export const spec = {
  name: 'lint',
  group: 'jobs',
  summary: "Check a repository's .raibid.yaml, and say what would be run",
  positionals: [{ name: 'path', description: 'folder of a repository, or a file; default: this folder' }],
  flags: {
    branch: { type: 'string', description: 'as it would be on this branch; default: the one checked out', placeholder: '<name>' },
    schema: { type: 'boolean', description: 'print the JSON Schema of .raibid.yaml, for editors, and check nothing' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just lint', 'just lint ~/app --branch release/1.2', 'just lint --schema > raibid.schema.json'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  if (args.schema) {
    if (args.path !== undefined) throw new UsageError('--schema takes no path.')
    const { raibidSchema } = await import('#lib/pipeline/schema.ts')
    printJson(raibidSchema())
    return 0
  }
  const { passEnv } = await loadConfig()
  const found = await lint(args.path ?? '.', args.branch, stepEnvironment({ base: process.env, extra: {}, pass: passEnv }))
  if (args.json) printJson(publicly(found))
  else if (found.plan) tell(found.plan, found.branch)
  else for (const problem of found.problems) print(shownProblem(found, problem).split('\n').map(safe).join('\n'))
  return found.plan ? 0 : 1
}

function publicly({ file, problems, plan, branch }: Linted): object {
  if (!plan) return { file, branch: branch || null, problems, pipeline: null, steps: [] }
  const { pipeline, steps, secrets, timeoutMs } = plan
  const shown = steps.map(({ name, run, timeoutMs = 0, skip = null }) => ({ name, run, timeoutMs, skip }))
  return { file, branch: branch || null, problems, pipeline, timeoutMs, secrets, steps: shown }
}

function tell({ pipeline, steps, secrets, timeoutMs }: Plan, branch: string): void {
  const bound = timeoutMs ? `, within ${formatDuration(timeoutMs)}` : ''
  info(`pipeline ${pipeline}${branch ? ` on ${branch}` : ''}${bound}`)
  if (secrets.length) info(`needs ${secrets.map((name) => `--secret ${name}`).join(' ')}`)
  print(
    table(steps, [
      { title: 'STEP', value: (step) => step.name },
      { title: '', value: ({ skip }) => (skip ? 'skipped' : 'run') },
      { title: 'WHAT, OR WHY NOT', value: ({ skip, run }) => skip ?? run.trim().split('\n')[0]! },
    ]),
  )
  const skipped = steps.filter(({ skip }) => skip).length
  if (skipped === steps.length) info('every step would be skipped: such a job fails')
  else ok(`${steps.length - skipped} of ${steps.length} steps would be run`)
}

if (import.meta.main) await main(spec, run)
