import type { Forge } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import type { Found } from '#lib/forge/find.ts'
import type { CommitStatus } from '#lib/forge/types.ts'
import { pause } from '#lib/queue/keeper.ts'
import type { Reader } from '#lib/queue/reader.ts'
import type { Reporter } from '#lib/queue/reporter.ts'
import type { Job } from '#lib/queue/types.ts'
import type { Say } from '../say.ts'
import { troubleOf, type Client } from './target.ts'

export interface LaneOptions {
  forge: Forge
  client: Client
  reporter: Reporter
  reader: Pick<Reader, 'job'>
  statusOf: (job: Job) => CommitStatus
  /** The first wait after a failure, ms, and the longest that it doubles to. */
  waits: { first: number; longest: number }
  /** Bound on telling once, ms. */
  withinMs: number
  signal: AbortSignal
  say: Say
  count: (outcome: 'told' | 'failed' | 'dropped') => void
}

/** One job that one forge has to be told of. */
export interface Item {
  target: Found
  /** Every forge that has to be told of it. */
  forges: readonly string[]
  tries: number
}

/**
 * Tells one forge, again and again until it has everything. A forge that does not answer closes its lane for a while, growing to `longest`,
 * and is then tried with one job; a job that is refused waits by itself and stands in nobody's way.
 */
export function statusLane(options: LaneOptions) {
  const { client, reporter, reader, statusOf, waits, withinMs, signal, say, count } = options
  const { url, kind } = options.forge
  const ready = new Map<string, Item>()
  const later = new Map<string, NodeJS.Timeout>()
  const flying = new Map<string, Promise<void>>()
  const again = new Map<string, Item>()
  let failures = 0
  let wake = (): void => {}
  signal.addEventListener('abort', () => wake())

  const wait = (n: number): number => Math.min(waits.longest, waits.first * 2 ** Math.min(n - 1, 20)) * (0.75 + Math.random() / 2)

  /** `anew` false: it is only known to be owed still, which ends no wait. */
  function add(id: string, item: Item, anew = true): void {
    if (!anew && (ready.has(id) || later.has(id) || flying.has(id))) return
    clearTimeout(later.get(id))
    later.delete(id)
    if (flying.has(id)) again.set(id, item)
    else ready.set(id, item)
    wake()
  }
  const addLater = (id: string, item: Item, ms: number): void => void later.set(id, setTimeout(() => add(id, item), ms).unref())

  /** Closes the lane; null: for as long as the number of failures says. */
  let closedFor = 0
  function close(ms: number | null, why: string): void {
    if (failures++ === 0) say('status', 'away', { forge: url, why })
    closedFor = ms ?? wait(failures)
  }

  async function tell(id: string, item: Item): Promise<void> {
    const begun = await reporter.begin(id, url, withinMs + 5000, item.forges)
    if (begun.kind === 'taken') return addLater(id, item, waits.first)
    if (begun.kind !== 'yours') return
    const job = await reader.job(id)
    if (!job) return
    const { target, forges } = item
    const call = { signal, withinMs }
    let note = job.commit ? '' : 'it names no commit'
    try {
      if (!note) await client.setStatus(target, job.commit, statusOf(job), call)
      if (failures > 0) say('status', 'works again', { forge: url })
      failures = 0
    } catch (error) {
      if (signal.aborted) return reporter.giveBack(id, url)
      count('failed')
      item.tries++
      const trouble = await troubleOf(error, item.tries, () => client.hasCommit(target, job.commit, call))
      if (trouble.kind !== 'never') {
        await reporter.giveBack(id, url)
        if (trouble.kind === 'job') {
          if (item.tries === 1) say('status', 'refused', { job: id, why: trouble.why })
          return addLater(id, item, wait(item.tries))
        }
        item.tries--
        close(trouble.waitMs, trouble.why)
        return add(id, item)
      }
      note = trouble.why
    }
    count(note ? 'dropped' : 'told')
    if (note) say('status', 'dropped', { job: id, forge: url, why: note })
    if ((await reporter.told(id, url, begun.digest, forges, note)) === 'again') add(id, { ...item, tries: 0 })
  }

  function start(id: string, item: Item): void {
    ready.delete(id)
    const flight = tell(id, item)
      .catch((error: unknown) => {
        if (signal.aborted) return
        say('status', 'trouble', { job: id, why: messageOf(error) })
        again.set(id, item)
        closedFor = Math.max(closedFor, waits.first)
      })
      .finally(() => {
        flying.delete(id)
        const next = again.get(id)
        again.delete(id)
        if (next) add(id, next)
        wake()
      })
    flying.set(id, flight)
  }

  return {
    add,

    /** Until the signal. */
    async run(): Promise<void> {
      // GitHub wants one write after the other; a forge that was away is tried with one
      const most = kind === 'github' ? 1 : 4
      while (!signal.aborted) {
        if (closedFor > 0) {
          const ms = closedFor
          closedFor = 0
          await pause(ms, signal)
          continue
        }
        const woken = new Promise<void>((resolve) => (wake = resolve))
        for (const [id, item] of ready) {
          if (flying.size >= (failures > 0 ? 1 : most)) break
          start(id, item)
        }
        if (!signal.aborted) await woken
      }
      for (const timer of later.values()) clearTimeout(timer)
      // to give back what was begun; whoever goes on waits it out otherwise
      await Promise.race([Promise.allSettled(flying.values()), new Promise((resolve) => setTimeout(resolve, 1000).unref())])
    },
  }
}
