/** One reader of Redis for all who watch a job's log: each entry is read and encoded once, however many there are. */
import type { Redis } from 'ioredis'
import { followLog, lastEntry, type LogEntry } from '#lib/queue/log-reader.ts'
import { compareIds } from '#lib/queue/stream-ids.ts'

export interface Watcher {
  /** Takes an entry; its encoding is shared. False: it takes no more. */
  take: (frame: Buffer) => boolean
  /** The log has ended: the job is final. */
  end: () => void
}

interface Joined extends Watcher {
  /** The entry that it had last. */
  last: string
  /** What came while it still reads what was there before; null: it has caught up. */
  early: [LogEntry, Buffer][] | null
  /** More came than is kept: it reads on in Redis instead. */
  overflow: boolean
}

interface Feed {
  watchers: Set<Joined>
  stop: AbortController
  done: boolean
}

export interface LogHubOptions {
  /** A connection that may block. */
  connect: () => Redis
  /** One for short questions. */
  redis: Redis
  encode: (entry: LogEntry) => Buffer
  onError: (error: unknown) => void
}

const mostEarly = 2000

export function logHub({ connect, redis, encode, onError }: LogHubOptions) {
  const feeds = new Map<string, Feed>()

  /** The feed of a job: it tells what comes from now on; what is there already everybody reads for himself. */
  async function feedOf(job: string): Promise<Feed> {
    const after = await lastEntry(redis, job)
    const known = feeds.get(job)
    if (known) return known
    const feed: Feed = { watchers: new Set(), stop: new AbortController(), done: false }
    feeds.set(job, feed)
    void run(job, feed, after)
    return feed
  }

  async function run(job: string, feed: Feed, after: string): Promise<void> {
    const own = connect()
    try {
      for await (const entry of followLog(own, job, { live: true, after, signal: feed.stop.signal })) {
        const frame = encode(entry)
        for (const one of feed.watchers) if (!offer(one, entry, frame)) leave(job, feed, one)
      }
    } catch (error) {
      onError(error)
    }
    own.disconnect()
    feed.done = true
    if (feeds.get(job) === feed) feeds.delete(job)
    for (const one of feed.watchers) if (!one.early) one.end()
  }

  function leave(job: string, feed: Feed, one: Joined): void {
    feed.watchers.delete(one)
    if (feed.watchers.size > 0 || feed.done) return
    feeds.delete(job)
    feed.stop.abort()
  }

  return {
    /** Gives a watcher the log behind `after`, then what comes: each entry once, in order. Resolves when it has caught up, or left. */
    async watch(job: string, after: string, watcher: Watcher, signal: AbortSignal): Promise<void> {
      const feed = await feedOf(job)
      if (signal.aborted) return
      const one: Joined = { ...watcher, last: after, early: [], overflow: false }
      feed.watchers.add(one)
      const gone = (): void => leave(job, feed, one)
      signal.addEventListener('abort', gone, { once: true })
      do {
        // it is all in Redis by now
        one.early = []
        one.overflow = false
        for await (const entry of followLog(redis, job, { after: one.last })) {
          if (signal.aborted) return
          if (!deliver(one, entry, encode(entry))) return gone()
        }
      } while (one.overflow)
      const early = one.early ?? []
      one.early = null
      for (const [entry, frame] of early) if (!deliver(one, entry, frame)) return gone()
      if (feed.done) one.end()
    },

    /** How many watch now. */
    watchers: (): number => [...feeds.values()].reduce((sum, feed) => sum + feed.watchers.size, 0),
    close: (): void => feeds.forEach((feed) => feed.stop.abort()),
  }
}

export type LogHub = ReturnType<typeof logHub>

function offer(one: Joined, entry: LogEntry, frame: Buffer): boolean {
  if (!one.early) return deliver(one, entry, frame)
  if (one.early.length < mostEarly) one.early.push([entry, frame])
  else one.overflow = true
  return true
}

/** Passes over what it had already. (A cut carries the id of the entry before it.) */
function deliver(one: Joined, entry: LogEntry, frame: Buffer): boolean {
  const order = compareIds(entry.id, one.last)
  if (order < 0 || (order === 0 && entry.kind !== 'cut')) return true
  one.last = entry.id
  return one.take(frame)
}
