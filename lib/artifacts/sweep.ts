/** Removes what no job has any more: artifacts go with their job's record, and those of a stale attempt as soon as there is a newer one. */
import type { Reader } from '#lib/queue/reader.ts'
import type { Job } from '#lib/queue/types.ts'
import { pause } from '#lib/queue/keeper.ts'
import type { ArtifactStore, Place } from './store.ts'

const everyMs = 3_600_000
/** Of one round: looked at, and removed. */
const mostPlaces = 20_000
const mostRemoved = 1000
const atOnce = 100

/** Whether an attempt's artifacts are of no use: its job is forgotten, or another attempt has begun. */
export const isStale = ({ attempt }: Place, job: Pick<Job, 'attempt'> | undefined): boolean => !job || attempt < job.attempt

/** One round of bounded work. Gives how many attempts' artifacts went. */
export async function sweepArtifacts(store: ArtifactStore, reader: Pick<Reader, 'jobsOf'>): Promise<number> {
  let [seen, removed] = [0, 0]
  let some: Place[] = []
  async function look(): Promise<void> {
    const jobs = new Map((await reader.jobsOf([...new Set(some.map(({ job }) => job))])).map((job) => [job.id, job]))
    for (const place of some) {
      if (!isStale(place, jobs.get(place.job)) || removed >= mostRemoved) continue
      await store.remove(place)
      removed++
    }
    some = []
  }
  for await (const place of store.places()) {
    some.push(place)
    if (++seen >= mostPlaces || removed >= mostRemoved) break
    if (some.length === atOnce) await look()
  }
  await look()
  return removed
}

/** A round each hour, the first a minute after the begin, until the signal. */
export async function keepSwept(
  store: () => Promise<ArtifactStore>,
  reader: Pick<Reader, 'jobsOf'>,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  await pause(60_000, signal)
  while (!signal.aborted) {
    try {
      const gone = await sweepArtifacts(await store(), reader)
      if (gone) say(`removed the artifacts of ${gone} attempt${gone === 1 ? '' : 's'} that no job has any more`)
    } catch (error) {
      if (!signal.aborted) say(`artifacts: ${(error as Error).message}`)
    }
    await pause(everyMs, signal)
  }
}
