import type { Step } from '#lib/queue/types.ts'
import type { Shipper } from './shipper.ts'

type Named = Pick<Step, 'name' | 'independent'>

export type Work = (index: number, step: Step) => Promise<void>

/** The phases and steps of one attempt, each shown on the job and in its log from its begin to its end. */
export function createMarks(shipper: Shipper, stop: AbortSignal) {
  const phases: Step[] = []
  const steps: Step[] = []

  /** Runs `work` as a phase or step; `work` fills in how it ended. `run` is what is shown of its script. */
  async function shown(list: Step[], { name, independent }: Named, work: Work, run?: string): Promise<Step> {
    const index = phases.length + steps.length
    const late = list === phases && steps.length > 0 && { at: index }
    const step: Step = { name, state: 'running', exitCode: null, durationMs: null, ...late, ...(independent && { independent }) }
    list.push(step)
    shipper.mark('step', index, { name, phase: list === phases, ...(run && { run }) }, { phases, steps })
    const begun = performance.now()
    await work(index, step)
    step.durationMs = Math.round(performance.now() - begun)
    if (stop.aborted && step.state !== 'success') step.state = stop.reason === 'timeout' ? 'failed' : 'cancelled'
    const { state, exitCode, durationMs, reason } = step
    shipper.mark('done', index, { state, exitCode, durationMs, reason }, { phases, steps })
    return step
  }

  return {
    phases,
    steps,
    phase: (name: string, work: Work): Promise<Step> => shown(phases, { name }, work),
    step: (step: Named, run: string | undefined, work: Work): Promise<Step> => shown(steps, step, work, run),
  }
}
