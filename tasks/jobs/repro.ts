#!/usr/bin/env node
/** Write one plain zx script that runs the same steps as a job, on this machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { failingStep } from '#lib/jobs/failure.ts'
import { inOrder } from '#lib/jobs/in-order.ts'
import { nameToId, openQueue } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
import { planSteps } from '#lib/pipeline/plan.ts'
import { stepEnvironment } from '#lib/pipeline/step-env.ts'
import type { Job } from '#lib/queue/types.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { checkout } from '#lib/repro/checkout.ts'
import { reproScript } from '#lib/repro/script.ts'

export const spec = {
  name: 'repro',
  group: 'jobs',
  summary: 'Write one plain zx script that runs the same steps as a job, on this machine',
  positionals: [{ name: 'job', description: 'id, a tail of it, @latest or @failed (default)' }],
  flags: {
    out: { type: 'string', description: 'the file to write; default: ./repro-<job>.mjs', placeholder: '<file>' },
    shell: { type: 'boolean', description: 'run it at once, up to the step that failed, and open a shell there' },
    json: { type: 'boolean', description: 'print { id, file, steps, failing }' },
  },
  examples: ['just repro', 'just repro 7QK2 --shell'],
} satisfies Spec

export async function run(args: Args<typeof spec>): Promise<number> {
  const { reader, config } = await openQueue()
  const id = await nameToId(reader, args.job ?? '@failed')
  const job = await reader.job(id)
  if (!job) throw new RaibidError(`job ${id} has been forgotten meanwhile`)
  if (!job.commit) throw new RaibidError(`job ${id} names no commit: it built what was the head of ${job.branch} then`)
  const folder = await mkdtemp(join(tmpdir(), 'raibid-repro-'))
  try {
    const workspace = await checkout(job, folder, config.git.credentials)
    const env = stepEnvironment({ base: process.env, extra: {}, pass: config.passEnv })
    const plan = await planSteps({ workspace, pipeline: job.pipeline, branch: job.branch, env })
    const failing = failingName(job)
    const text = reproScript(job, plan, failing)
    if (args.shell) {
      if (!failing) throw new UsageError(`--shell: no step of job ${shortId(id)} has failed`)
      return await opened(text, join(folder, `repro-${shortId(id)}.mjs`))
    }
    const file = resolve(args.out ?? `repro-${shortId(id)}.mjs`)
    // 'wx': what is there may have been changed by hand
    await writeFile(file, text, { mode: 0o755, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(error.code === 'EEXIST' ? `${file} is there already: remove it, or give another --out` : error.message)
    })
    if (args.json) printJson({ id, file, steps: plan.steps.map(({ name }) => name), failing })
    else print(file)
    info(`  npx zx ${file} --shell   opens a shell at the step that failed`)
    return 0
  } finally {
    await removeFolder(folder)
  }
}

/** The step at which it failed; null when it failed at none. */
function failingName(job: Job): string | null {
  const at = failingStep(job)
  const step = at === null ? undefined : inOrder(job)[at]
  return step && job.steps.includes(step) ? step.name : null
}

/** Runs the script with a person at it. */
async function opened(text: string, file: string): Promise<number> {
  await writeFile(file, text, { mode: 0o700 })
  const zx = fileURLToPath(import.meta.resolve('zx/cli'))
  const child = spawn(process.execPath, [zx, file, '--shell'], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

if (import.meta.main) await main(spec, run)
