import { join } from 'node:path'
import { phaseName } from '#lib/artifacts/kept.ts'
import { stepEnv } from '#lib/contract.ts'
import { formatDuration } from '#lib/duration.ts'
import { messageOf } from '#lib/errors.ts'
import type { Result } from '#lib/queue/worker.ts'
import type { AttemptOptions, Outcome, Stop } from './attempt-options.ts'
import { openCaches } from './caches.ts'
import type * as Planner from '#lib/pipeline/plan.ts'
import { PipelineError } from '#lib/pipeline/types.ts'
import { imageEnvironment, imageUse, noteImage } from './images.ts'
import { keepArtifacts } from './keep-artifacts.ts'
import { createMarks } from './marks.ts'
import { leftOut } from './passed.ts'
import { shownScript } from './run-planned.ts'
import { runTested } from './run-tested.ts'
import { getSource } from './source.ts'
import { verdict } from './verdict.ts'

export type { AttemptOptions, Outcome, Stop }

const drained: Outcome = { kind: 'release', how: 'drained', reason: 'the agent was asked to stop' }

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
  const meanwhile = (): void => void preload().catch(() => {})
  const got = await getSource(options, marks, { workspace: source, tmp: env.TMPDIR, meanwhile })
  if (stop.aborted) return stopped()
  if ('reason' in got) return got.ours ? { kind: 'release', how: 'network', reason: got.reason } : result('failed', got.reason)
  const { commit } = got

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
