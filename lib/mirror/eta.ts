/** How far a run is. A clone costs its bytes, and something for itself; what else is done costs little. */
import { formatBytes } from '#lib/bytes.ts'
import { formatDuration } from '#lib/duration.ts'
import type { Step } from './step.ts'

const perClone = 2 * 2 ** 20
const perStep = 100_000

export const weightOf = ({ actions, bytes }: Step): number =>
  perStep + (actions.some((action) => action.do === 'clone') ? perClone + (bytes ?? 0) : 0)

/** `weights` of all that is to be done; tell it of each that has ended. */
export function eta(steps: readonly Step[], begun: number) {
  const all = steps.reduce((sum, step) => sum + weightOf(step), 0)
  const bytes = steps.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)
  const ended = { steps: 0, failed: 0, weight: 0, bytes: 0 }
  return {
    end(step: Step, failed: boolean): void {
      ended.steps++
      if (failed) ended.failed++
      ended.weight += weightOf(step)
      ended.bytes += step.bytes ?? 0
    },
    /** ms until the end; null: nothing has ended yet. */
    left: (now: number): number | null => (ended.weight ? ((now - begun) * (all - ended.weight)) / ended.weight : null),
    text(now: number): string {
      const left = this.left(now)
      const size = bytes ? `, ${formatBytes(ended.bytes)} of ${formatBytes(bytes)}` : ''
      const failed = ended.failed ? `, ${ended.failed} failed` : ''
      return `${ended.steps} of ${steps.length}${size}${failed}${left === null ? '' : `, about ${formatDuration(left)} left`}`
    },
  }
}
