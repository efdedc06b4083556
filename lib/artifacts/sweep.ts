/**
 * Removes what no job has any more: artifacts go with their job's record, and those of a stale attempt as soon as there is a newer one. What is older
 * than the queue itself stays: its data was lost, and with the artifacts all would be.
 */
import type { Reader } from '#lib/queue/reader.ts'
import type { Job } from '#lib/queue/types.ts'
import { pause } from '#lib/queue/keeper.ts'
import { ulidTime } from '#lib/ulid.ts'
import type { ArtifactStore, OpenStore, Place } from './store.ts'

const everyMs = 3_600_000
/** Of one round: looked at, and removed. */
const mostPlaces = 20_000
const mostRemoved = 1000
const atOnce = 100

/** Whether an attempt's artifacts are of no use: its job is forgotten, or another attempt has begun. */
export const isStale = ({ attempt }: Place, job: Pick<Job, 'attempt'> | undefined): boolean => !job || attempt < job.attempt

/** What a sweep asks of the queue. */
export interface SweptQueue extends Pick<Reader, 'jobsOf'> {
  /** Since when it is, ms: a job from before, which it doesn't know, is not one that it has forgotten. */
  since: () => Promise<number>
}

/** One round of bounded work. Gives how many attempts' artifacts went, and how many stay because their jobs are older than the queue. */
export async function sweepArtifacts(store: ArtifactStore, queue: SweptQueue): Promise<{ removed: number; older: number }> {
  let [seen, removed, older] = [0, 0, 0]
  let some: Place[] = []
  async function look(): Promise<void> {
    const jobs = new Map((await queue.jobsOf([...new Set(some.map(({ job }) => job))])).map((job) => [job.id, job]))
    // asked last: when the queue's data was lost on the way, it is a new one already
    const since = await queue.since()
    for (const place of some) {
      const job = jobs.get(place.job)
      if (!isStale(place, job) || removed >= mostRemoved) continue
      if (!job && ulidTime(place.job) < since) {
        older++
        seen--
        continue
      }
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
  return { removed, older }
}

const attempts = (count: number): string => `${count} attempt${count === 1 ? '' : 's'}`

/** A round each hour, the first a minute after the begin, until the signal. */
export async function keepSwept(
  store: () => Promise<OpenStore>,
  queue: SweptQueue,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  await pause(60_000, signal)
  let told = 0
  while (!signal.aborted) {
    try {
      const kept = await store()
      const { removed, older } = await sweepArtifacts(kept, queue)
      if (removed) say(`removed the artifacts of ${attempts(removed)} that no job has any more`)
      if (older && older !== told)
        say(
          `the artifacts of ${attempts(older)} in ${kept.where} are older than this queue and stay: remove them when nobody wants them`,
        )
      told = older
    } catch (error) {
      if (!signal.aborted) say(`artifacts: ${(error as Error).message}`)
    }
    await pause(everyMs, signal)
  }
}
