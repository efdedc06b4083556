import { beatEvery } from '#lib/queue/limits.ts'
import type { Answer } from '#lib/queue/worker.ts'

/** Beats each second until stopped. A beat that is still out when the next is due is not doubled: the connection sends it again itself. */
export function keepLease(beat: () => Promise<Answer>, onAnswer: (answer: Answer) => void): { stop: () => void } {
  let out = false
  const timer = setInterval(() => {
    if (out) return
    out = true
    beat()
      .then(onAnswer, () => {}) // a refused beat (a full or loading Redis) is followed by the next
      .finally(() => (out = false))
  }, beatEvery)
  return { stop: () => clearInterval(timer) }
}
