import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '#lib/errors.ts'
import type { FaultContext } from './fault.ts'
import { loadFault } from './load-fault.ts'
import { random } from './random.ts'
import type { PlannedFault } from './schedule.ts'
import type { FaultOutcome } from './scoreboard.ts'
import type { Note } from './trace.ts'

/** After a fault that touches all, the next of its kind waits so long for its recovery, ms. */
const worldWaits = 10_000

/** Runs the faults of one lane one after the other; recoveries of agents' faults are waited for at the end. */
export async function runLane(
  planned: readonly PlannedFault[],
  base: Omit<FaultContext, 'planned' | 'dice' | 'note'>,
  notes: Note[],
  progress: { started: number; enqueued: number },
  say: (text: string) => void,
): Promise<FaultOutcome[]> {
  const outcomes: Promise<FaultOutcome>[] = []
  for (const fault of planned) {
    const { signal } = base
    await sleep(fault.gapMs)
    while (!signal.aborted && progress.enqueued < fault.afterJobs) await sleep(10)
    if (signal.aborted) break
    progress.started++
    const note = (text: string, job?: string): void =>
      void notes.push({ at: Date.now(), text: `fault ${fault.n} ${fault.kind}: ${text}`, ...(job && { job }) })
    const { inject } = await loadFault(fault.kind)
    const injection = await inject({ ...base, planned: fault, dice: random(fault.seed), note }).catch((error: unknown) => {
      if (!signal.aborted) say(`fault ${fault.n} ${fault.kind} failed: ${messageOf(error)}`)
      return null
    })
    if (!injection) {
      outcomes.push(Promise.resolve({ kind: fault.kind, hit: false, recoveryMs: null }))
      continue
    }
    const outcome = injection.recovered.then((well) => {
      const bad = well === null || well === false
      if (bad) say(`fault ${fault.n} ${fault.kind}: no recovery in time`)
      // with nothing left to do nobody can see how long it took
      const recoveryMs = bad ? null : well === 'idle' ? undefined : performance.now() - injection.since
      return { kind: fault.kind, hit: true, recoveryMs }
    })
    outcomes.push(outcome)
    if (fault.lane === 'world') await Promise.race([outcome, sleep(worldWaits)])
  }
  return Promise.all(outcomes)
}
