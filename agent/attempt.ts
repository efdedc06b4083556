import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { stepEnv } from '#lib/contract.ts'
import { formatDuration } from '#lib/duration.ts'
import { messageOf } from '#lib/errors.ts'
import type { Result } from '#lib/queue/worker.ts'
import type { Job, Step } from '#lib/queue/types.ts'
import { clone, CloneError, type Credential } from './clone.ts'
import type * as Planner from './plan.ts'
import type { PlannedStep } from './pipelines/types.ts'
import { runStep, type StepResult } from './run-step.ts'
import type { Shipper } from './shipper.ts'

/** Why an attempt is stopped from outside. */
export type Stop = 'cancel' | 'lost' | 'drain' | 'timeout'

/** How an attempt ended: with a result to report, or with the job to be given back. */
export type Outcome = { kind: 'result'; result: Result } | { kind: 'release'; how: 'drained' | 'network'; reason: string }

export interface AttemptOptions {
  job: Job
  folder: string
  mark: string
  env: Record<string, string>
  secrets: Record<string, string>
  credentials: Credential[]
  shipper: Shipper
  stop: AbortSignal
  /** Called once the bound on the whole attempt is known, ms. */
  onTimeout: (ms: number) => void
  defaultTimeoutMs: number
}

/** Loads what a plan needs: early, so that it is there when the clone is. */
export async function preload(): Promise<typeof Planner> {
  const [planner] = await Promise.all([import('./plan.ts'), import('yaml')])
  return planner
}

/** Builds one job: clone, plan, steps. Never throws for what the repository did. */
export async function attempt(options: AttemptOptions): Promise<Outcome> {
  const { job, folder, shipper, stop } = options
  const phases: Step[] = []
  const steps: Step[] = []
  let bound = job.timeoutMs || options.defaultTimeoutMs
  options.onTimeout(bound)
  const result = (state: Result['state'], reason: string, exitCode: number | null = null): Outcome => ({
    kind: 'result',
    result: { state, reason, exitCode, phases, steps },
  })
  const stopped = (): Outcome => {
    const why = stop.reason as Stop
    if (why === 'timeout') return result('failed', `timed out after ${formatDuration(bound)}`)
    if (why === 'cancel') return result('cancelled', 'cancelled')
    return { kind: 'release', how: 'drained', reason: 'the agent was asked to stop' }
  }

  /** Runs `work` as a phase or step with its marks; `work` fills in how it ended. */
  async function shown(
    list: Step[],
    name: string,
    work: (index: number, step: Step) => Promise<void>,
    run?: string,
  ): Promise<Step> {
    const index = phases.length + steps.length
    const step: Step = { name, state: 'running', exitCode: null, durationMs: null }
    list.push(step)
    shipper.mark('step', index, { name, phase: list === phases, ...(run && { run }) }, { phases, steps })
    const begun = performance.now()
    await work(index, step)
    step.durationMs = Math.round(performance.now() - begun)
    if (stop.aborted && step.state !== 'success') step.state = stop.reason === 'timeout' ? 'failed' : 'cancelled'
    shipper.mark(
      'done',
      index,
      { state: step.state, exitCode: step.exitCode, durationMs: step.durationMs, reason: step.reason },
      { phases, steps },
    )
    return step
  }

  const source = join(folder, 'src')
  const env = { ...options.env, TMPDIR: join(folder, 'tmp') }
  let commit = job.commit
  let cloneError: unknown
  await shown(phases, 'clone', async (index, step) => {
    try {
      for (const path of [source, env.TMPDIR]) mkdirSync(path, { recursive: true, mode: 0o700 })
      const { credentials, mark } = options
      const onOutput = (text: string): Promise<void> => shipper.write(index, text)
      const place = { repo: job.repo, branch: job.branch, commit, dir: source }
      const cloning = clone({ ...place, env: { ...process.env, TMPDIR: env.TMPDIR }, mark, credentials, signal: stop, onOutput })
      // git is at work from here on
      void preload().catch(() => {})
      commit = (await cloning).commit
      step.state = 'success'
    } catch (error) {
      cloneError = error
      step.state = 'failed'
      step.reason = messageOf(error) // git's own words are in the log already
    }
  })
  if (stop.aborted) return stopped()
  if (cloneError) {
    const reason = `clone: ${messageOf(cloneError)}`
    const ours =
      (cloneError instanceof CloneError && cloneError.kind === 'network') ||
      /ENOSPC|EDQUOT|No space left|Disk quota/i.test(reason)
    return ours ? { kind: 'release', how: 'network', reason } : result('failed', reason)
  }

  const variables = {
    ...env,
    [stepEnv.ci]: 'true',
    [stepEnv.job]: job.id,
    [stepEnv.repo]: job.repo,
    [stepEnv.branch]: job.branch,
    [stepEnv.commit]: commit,
    [stepEnv.attempt]: String(job.attempt),
  }
  let planned: PlannedStep[]
  try {
    const { planSteps } = await preload()
    const plan = await planSteps({ workspace: source, pipeline: job.pipeline, env: variables })
    planned = plan.steps
    phases.push({ name: `plan: ${plan.pipeline}`, state: 'success', exitCode: null, durationMs: null })
    Object.assign(variables, { ...plan.env, ...job.env, ...options.secrets })
    // the caller's bound is the last word, then the repository's
    if (!job.timeoutMs && plan.timeoutMs) options.onTimeout((bound = plan.timeoutMs))
  } catch (error) {
    await shown(phases, 'plan', async (index, step) => {
      Object.assign(step, { state: 'failed', reason: messageOf(error) })
      await shipper.write(index, `${messageOf(error)}\n`)
    })
    return result('failed', messageOf(error))
  }

  for (const { name, run, timeoutMs = 0, skip } of planned) {
    if (stop.aborted) return stopped()
    let ended: StepResult | undefined
    const step = await shown(
      steps,
      name,
      async (index, one) => {
        if (skip) return void Object.assign(one, { state: 'skipped', reason: skip })
        const onOutput = (text: string): Promise<void> => shipper.write(index, text)
        try {
          ended = await runStep({
            script: run,
            cwd: source,
            env: variables,
            mark: options.mark,
            timeoutMs,
            signal: stop,
            onOutput,
          })
        } catch (error) {
          // the workspace deleted, an environment too large: what the repository did is its failure, not the agent's
          const { code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '' } =
            error as NodeJS.ErrnoException
          if (!['ENOENT', 'ENOTDIR', 'EACCES', 'E2BIG'].includes(code)) throw error
          return void Object.assign(one, { state: 'failed', reason: messageOf(error) })
        }
        one.exitCode = ended.exitCode
        one.state = ended.outcome === 'exited' && ended.exitCode === 0 ? 'success' : 'failed'
        if (one.state === 'failed') one.reason = reasonOf(ended, timeoutMs)
      },
      skip || name === run ? undefined : firstLine(run),
    )
    if (stop.aborted) return stopped()
    if (step.state === 'failed') return result('failed', `step ${name}: ${step.reason}`, step.exitCode)
  }
  if (steps.every((step) => step.state === 'skipped')) {
    const why = [...new Set(steps.map((step) => step.reason))].join('; ')
    return result(
      'failed',
      steps.length ? `nothing was run: every step was skipped (${why})` : 'nothing was run: there are no steps',
    )
  }
  return result('success', '', 0)
}

const firstLine = (script: string): string => {
  const [first = '', ...more] = script.trim().split('\n')
  return first.slice(0, 200) + (more.length || first.length > 200 ? ' …' : '')
}

function reasonOf(ended: StepResult, timeoutMs: number): string {
  if (ended.outcome === 'timeout') return `timed out after ${formatDuration(timeoutMs)}`
  return ended.signal ? `ended by ${ended.signal}` : `exit ${ended.exitCode}`
}
