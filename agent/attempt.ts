import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { phaseName } from '#lib/artifacts/kept.ts'
import type { ArtifactStore } from '#lib/artifacts/store.ts'
import type { Config } from '#lib/config.ts'
import { stepEnv } from '#lib/contract.ts'
import { formatDuration } from '#lib/duration.ts'
import { messageOf } from '#lib/errors.ts'
import type { Result } from '#lib/queue/worker.ts'
import type { Job } from '#lib/queue/types.ts'
import { openCaches, type Keep } from './caches.ts'
import { clone, CloneError, type Credential } from './clone.ts'
import type * as Planner from '#lib/pipeline/plan.ts'
import { PipelineError } from '#lib/pipeline/types.ts'
import { imageEnvironment, imageUse, noteImage, type ImageConfig } from './images.ts'
import { keepArtifacts } from './keep-artifacts.ts'
import { createMarks } from './marks.ts'
import { leftOut } from './passed.ts'
import { shownScript } from './run-planned.ts'
import { runTested } from './run-tested.ts'
import type { Shipper } from './shipper.ts'
import { verdict } from './verdict.ts'

/** Why an attempt is stopped from outside. */
export type Stop = 'cancel' | 'lost' | 'drain' | 'timeout'

/** How an attempt ended: with a result to report, or with the job to be given back. */
export type Outcome =
  { kind: 'result'; result: Result; keep?: Keep | undefined } | { kind: 'release'; how: 'drained' | 'network'; reason: string }

const drained: Outcome = { kind: 'release', how: 'drained', reason: 'the agent was asked to stop' }

export interface AttemptOptions {
  job: Job
  folder: string
  mark: string
  env: Record<string, string>
  secrets: Record<string, string>
  credentials: Credential[]
  shipper: Shipper
  stop: AbortSignal
  bornAt: number
  /** Called once the bound on the whole attempt is known, ms. */
  onTimeout: (ms: number) => void
  defaultTimeoutMs: number
  cache: Config['cache']
  /** No attempt may take longer; 0: no such bound. */
  longestMs: number
  store: () => Promise<ArtifactStore>
  images: ImageConfig
  /** Hides secrets in a short text. */
  mask: (text: string) => string
}

/** Loads what a plan needs: early, so that it is there when the clone is. */
export async function preload(): Promise<typeof Planner> {
  const [planner] = await Promise.all([import('#lib/pipeline/plan.ts'), import('yaml')])
  return planner
}

/** Builds one job: clone, plan, steps, and what is kept of them. Never throws for what the repository did. */
export async function attempt(options: AttemptOptions): Promise<Outcome> {
  const { job, folder, shipper, stop: signal } = options
  const marks = createMarks(shipper, signal)
  let patterns: string[] = []
  const outcome = await build(options, marks, (plan) => (patterns = plan.artifacts))
  if (signal.aborted || !patterns.length || outcome.kind !== 'result') return outcome
  await marks.phase(phaseName, (index, phase) => {
    const write = (text: string): Promise<void> => shipper.write(index, text)
    return keepArtifacts({ job, workspace: join(folder, 'src'), patterns, store: options.store, signal, write }, phase)
  })
  return signal.reason === 'drain' ? drained : outcome
}

async function build(
  options: AttemptOptions,
  marks: ReturnType<typeof createMarks>,
  onPlan: (plan: Planner.Plan) => void,
): Promise<Outcome> {
  const { job, folder, shipper, stop } = options
  const { phases, steps } = marks
  const within = (ms: number): number => Math.min(ms, options.longestMs || ms)
  let bound = within(job.timeoutMs || options.defaultTimeoutMs)
  options.onTimeout(bound)
  const result = (
    state: Result['state'],
    reason: string,
    exitCode: number | null = null,
  ): Extract<Outcome, { result: Result }> => ({
    kind: 'result',
    result: { state, reason, exitCode, phases, steps },
  })
  const stopped = (): Outcome => {
    const why = stop.reason as Stop
    if (why === 'timeout') return result('failed', `timed out after ${formatDuration(bound)}`)
    if (why === 'cancel') return result('cancelled', 'cancelled')
    return drained
  }

  const source = join(folder, 'src')
  const startedAt = Date.now()
  const env = { ...options.env, TMPDIR: join(folder, 'tmp') }
  let commit = job.commit
  let cloneError: unknown
  await marks.phase('clone', async (index, step) => {
    step.bornAt = options.bornAt
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
    // the machine's fault, not the repository's
    const ours =
      (cloneError instanceof CloneError && ['network', 'disk'].includes(cloneError.kind)) || /ENOSPC|EDQUOT|EIO/.test(reason)
    return ours ? { kind: 'release', how: 'network', reason } : result('failed', reason)
  }

  const variables = {
    ...env,
    [stepEnv.ci]: 'true',
    [stepEnv.job]: job.id,
    [stepEnv.repo]: job.origin ?? job.repo,
    [stepEnv.branch]: job.branch,
    [stepEnv.commit]: commit,
    [stepEnv.attempt]: String(job.attempt),
  }
  let plan: Planner.Plan
  try {
    const { planSteps, missingSecrets } = await preload()
    plan = await planSteps({
      workspace: source,
      pipeline: job.pipeline,
      branch: job.branch,
      env: variables,
      image: imageUse(options.images, job),
    })
    const missing = missingSecrets(plan.secrets, Object.keys(options.secrets))
    if (missing) throw new PipelineError(missing)
    onPlan(plan)
    phases.push({ name: `plan: ${plan.pipeline}`, state: 'success', exitCode: null, durationMs: null })
    Object.assign(variables, { ...plan.env, ...job.env, ...options.secrets })
    // the caller's bound is the last word, then the repository's
    if (!job.timeoutMs && plan.timeoutMs) options.onTimeout((bound = within(plan.timeoutMs)))
  } catch (error) {
    await marks.phase('plan', async (index, step) => {
      Object.assign(step, { state: 'failed', reason: messageOf(error) })
      await shipper.write(index, `${messageOf(error)}\n`)
    })
    return result('failed', messageOf(error))
  }

  const caches = await openCaches(options, marks, plan.caches, { workspace: source, commit, startedAt, env: variables })
  for (const one of leftOut(plan.steps, job.passed)) {
    if (stop.aborted) return stopped()
    const step = await marks.step(one, shownScript(one), async (index, into) => {
      const onOutput = (text: string): Promise<void> => shipper.write(index, text)
      const own = one.image ? await imageEnvironment(options.images, job, env.TMPDIR, variables) : {}
      const where = { cwd: source, env: { ...variables, ...own }, mark: options.mark, signal: stop, onOutput }
      await runTested(one, into, where, plan, options.mask)
      await noteImage(one, into, where.env)
    })
    if (stop.aborted) return stopped()
    if (step.state === 'failed')
      return { ...result('failed', `step ${one.name}: ${step.reason}`, step.exitCode), keep: caches?.keep }
  }
  const { state, reason, exitCode } = verdict(plan.steps, steps, job.branch)
  if (state === 'success') await caches?.succeeded()
  return { ...result(state, reason, exitCode), keep: caches?.keep }
}
