/** Runs a planned step and puts beside its result what the test reports say that it wrote. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { safe } from '#lib/cli/untrusted.ts'
import type { PlannedStep } from '#lib/pipeline/types.ts'
import type { Step } from '#lib/queue/types.ts'
import type { Reports } from '#lib/reports/read.ts'
import { runPlanned } from './run-planned.ts'
import type { StepOptions } from './run-step.ts'

/** Like runPlanned; `mask` hides secrets, which a failed test may tell as well as a log. */
export async function runTested(
  planned: PlannedStep,
  step: Step,
  where: Omit<StepOptions, 'script' | 'timeoutMs'>,
  reports: Reports,
  mask: (text: string) => string,
): Promise<void> {
  const { skip, reports: own = [], tmpReports: tmp = [] } = planned
  const all = { ...reports, reports: [...reports.reports, ...own] }
  if (skip || ![...all.reports, ...all.artifacts, ...tmp].length) return runPlanned(planned, step, where)
  const tmpFolder = where.env['TMPDIR']!
  const { fileTime, readReports } = await import('#lib/reports/read.ts')
  const since = await fileTime(join(tmpFolder, `.step-${randomBytes(6).toString('hex')}`))
  await runPlanned(planned, step, where)
  if (where.signal.aborted) return
  const said: string[] = []
  const found = await readReports(all, { workspace: where.cwd, since, tmpFolder, tmp, mask, say: (text) => void said.push(text) })
  for (const text of said) await where.onOutput(`${safe(text)}\n`)
  if (found) step.tests = found
}
