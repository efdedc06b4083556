/** The caches of one job, from before its steps to after its result. Loaded only for a job that has some. */
import { messageOf } from '#lib/errors.ts'
import type { CacheUse } from '#lib/queue/types.ts'
import { restore, type Place, type Restored } from './restore.ts'
import { countSaved, examine, hasRoom, saveEntry, saveSpare, topUp, type Found } from './save.ts'
import { isShared, type CacheSpec } from './spec.ts'

export interface JobCaches {
  uses: CacheUse[]
  /** The steps have succeeded, in so many ms (null: not all were run): looks what can be saved, and writes into `uses` what was saved of time, and what can't be kept. */
  succeeded(stepsMs: number | null): Promise<void>
  /** The result was accepted as `state`: gives the caches back to the store. What fails here is nobody's business but the agent's. */
  keep(state: string, signal: AbortSignal): Promise<void>
}

/** Restores them one after the other. Throws only for the signal. */
export async function restoreCaches(place: Place, specs: CacheSpec[]): Promise<JobCaches> {
  const all: Restored[] = []
  for (const [nth, spec] of specs.entries()) if (!spec.paths.every(isShared)) all.push(await restore(place, spec, nth))
  const shared = [...new Set(specs.flatMap((spec) => spec.paths.filter(isShared)))]
  const uses = [...all.map(({ use }) => use), ...(shared.length ? [sharedUse(shared, place.fork)] : [])]
  const found = new Map<Restored, Found>()
  let saved = 0
  let took = 0

  return {
    uses,
    async succeeded(stepsMs) {
      took = stepsMs ?? 0
      // the time is that of the job, so it is told once
      const first = all.find(({ use, entry }) => entry?.meta.coldMs && (use.outcome === 'hit' || use.outcome === 'near'))
      const restoring = all.reduce((sum, { use }) => sum + use.restoreMs, 0)
      if (first && stepsMs !== null) first.use.savedMs = saved = Math.max(0, first.entry!.meta.coldMs - stepsMs - restoring)
      for (const one of all) {
        if (place.fork || !one.key || one.use.outcome === 'hit') continue
        try {
          const size = await examine(place, one)
          if (!(await hasRoom(place, size.bytes))) throw new Error('the disk is nearly full')
          found.set(one, size)
        } catch (error) {
          one.use.notSaved = messageOf(error)
        }
      }
    },
    async keep(state, signal) {
      if (place.fork) return
      const here = { ...place, signal }
      for (const one of all) {
        const size = found.get(one)
        if (state !== 'success') {
          if (one.use.outcome === 'hit') await topUp(here, one)
        } else if (size) await saveEntry(here, one, size, one.entry?.meta.coldMs || took)
        else if (one.use.outcome === 'hit') {
          await saveSpare(here, one)
          await topUp(here, one)
        }
        if (one.use.savedMs) await countSaved(here, one, saved)
      }
    },
  }
}

function sharedUse(paths: string[], fork: boolean): CacheUse {
  const use = { paths, bytes: 0, restoreMs: 0, savedMs: null }
  return fork ? { ...use, outcome: 'refused', reason: 'a job of a fork has its own, empty ones' } : { ...use, outcome: 'shared' }
}
