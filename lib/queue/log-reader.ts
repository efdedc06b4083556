import type { Redis } from 'ioredis'
import { keys } from './keys.ts'
import { pairs } from './parse.ts'
import { isFinal, type JobState } from './types.ts'

/** One entry of a log as it is read. `cut` stands where output is missing, with how much. */
export type LogEntry = { id: string; attempt: number; at: number } & (
  | { kind: 'start'; agent: string }
  | { kind: 'step'; step: number; name: string; phase: boolean; run?: string }
  | { kind: 'out'; step: number; text: string }
  | { kind: 'done'; step: number; state: string; exitCode: number | null; durationMs: number | null; reason?: string }
  | { kind: 'end'; state: string; reason: string; again: number }
  | { kind: 'cut'; lines: number }
)

/** Where a reader stands in one attempt: the chunk it had last, and the line breaks up to its end. */
interface Place {
  attempt: string
  seq: number
  lines: number
}

function parse(id: string, fields: Record<string, string>): LogEntry {
  const base = { id, attempt: Number(id.split('-')[0]), at: Number(fields['at']) }
  const step = Number(fields['s'] ?? 0)
  const text = fields['d'] ?? ''
  switch (fields['k']) {
    case 'start':
      return { ...base, kind: 'start', agent: text }
    case 'step':
      return { ...base, kind: 'step', step, ...(JSON.parse(text) as { name: string; phase: boolean }) }
    case 'done':
      return {
        ...base,
        kind: 'done',
        step,
        ...(JSON.parse(text) as { state: string; exitCode: number | null; durationMs: number | null }),
      }
    case 'end':
      return { ...base, kind: 'end', state: text, reason: fields['reason'] ?? '', again: Number(fields['again'] || 0) }
    default:
      return { ...base, kind: 'out', step, text }
  }
}

export interface FollowOptions {
  /** Only what is behind this entry. */
  after?: string
  /** Go on until the job is final; otherwise end with what is there. */
  live?: boolean
  signal?: AbortSignal
  /** How long one blocking read lasts before the job's state is asked for, ms. */
  blockMs?: number
}

/**
 * A job's log over all its attempts, from the start or behind an entry; when `live`, until the job is in a final state. Ends early on abort.
 * Needs a connection of its own when live, for it blocks there.
 */
export async function* followLog(redis: Redis, job: string, options: FollowOptions = {}): AsyncGenerator<LogEntry> {
  let after = options.after ?? '0-0'
  let place: Place = { attempt: '', seq: 0, lines: 0 }
  const stop = (): void => redis.disconnect()
  if (options.live) options.signal?.addEventListener('abort', stop)
  try {
    while (!options.signal?.aborted) {
      const state = (await redis.hget(keys.job(job), 'state')) as JobState | null
      const page = await read(
        redis,
        keys.log(job),
        after,
        options.live === true && state !== null && !isFinal(state) ? (options.blockMs ?? 1000) : 0,
      )
      for (const [id, flat] of page) {
        const [attempt = '', seq = ''] = id.split('-')
        const fields = pairs(flat)
        const entry = parse(id, fields)
        if (attempt !== place.attempt)
          place = {
            attempt,
            seq: options.after && after === options.after ? Number(seq) - 1 : -1,
            lines: Number(fields['l'] ?? 0),
          }
        // chunks of one attempt are numbered without a gap; the marks carry no line
        if (fields['l'] !== undefined) {
          if (Number(seq) > place.seq + 1)
            yield { id: after, attempt: entry.attempt, at: entry.at, kind: 'cut', lines: Number(fields['l']) - place.lines }
          place = { attempt, seq: Number(seq), lines: Number(fields['l']) + Number(fields['n']) }
        } else place.seq = Number(seq)
        after = id
        yield entry
      }
      // the state was read before the page: once it was final, an empty page is the end
      if (page.length === 0 && (!options.live || state === null || isFinal(state))) return
    }
  } catch (error) {
    if (!options.signal?.aborted) throw error
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

/** The id of the newest entry of a job's log; `0-0` when there is none. */
export const lastEntry = async (redis: Redis, job: string): Promise<string> =>
  (await redis.xrevrange(keys.log(job), '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'

async function read(redis: Redis, key: string, after: string, blockMs: number): Promise<[string, string[]][]> {
  if (blockMs > 0) {
    const reply = await redis.xread('COUNT', 100, 'BLOCK', blockMs, 'STREAMS', key, after)
    return (reply?.[0]?.[1] ?? []) as [string, string[]][]
  }
  return (await redis.xrange(key, `(${after}`, '+', 'COUNT', 100)) as [string, string[]][]
}
