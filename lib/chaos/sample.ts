import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'

/** One moment of the queue, seen whole. Ids by what is wrong with them; all empty in a sound queue. */
export interface Sample {
  at: number
  /** XLEN of the stream. */
  entries: number
  runnable: number
  running: number
  delayed: number
  /** Runnable or running without exactly one entry. */
  withoutEntry: string[]
  /** Entries whose job is neither. */
  withoutJob: string[]
  /** Members of the line in a state that has no place there. */
  outOfPlace: string[]
}

/** Reads only. KEYS: line, stream. One script, for three reads one after the other see three different moments. */
const look = `#!lua flags=no-writes
local time = redis.call('TIME')
local entries, held = {}, {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  entries[#entries + 1] = entry[2][2]
  held[entry[2][2]] = (held[entry[2][2]] or 0) + 1
end
local counted = { pending = 0, running = 0, delayed = 0 }
local lives, without, place, spare = {}, {}, {}, {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local state = redis.call('HGET', 'job:' .. id, 'state') or 'none'
  if counted[state] then counted[state] = counted[state] + 1 else place[#place + 1] = id end
  if state == 'pending' or state == 'running' then
    lives[id] = true
    if held[id] ~= 1 then without[#without + 1] = id end
  end
end
for _, id in ipairs(entries) do if not lives[id] then spare[#spare + 1] = id end end
return { time[1] * 1000 + math.floor(time[2] / 1000), redis.call('XLEN', KEYS[2]), counted.pending, counted.running, counted.delayed, without, spare, place }`

/** Looks once; rejects when Redis is away. */
export async function sampleQueue(redis: Redis): Promise<Sample> {
  const answer = (await redis.eval(look, 2, keys.due('default'), keys.stream('default'))) as unknown[]
  const [at, entries, runnable, running, delayed] = answer as number[]
  const [withoutEntry, withoutJob, outOfPlace] = answer.slice(5) as string[][]
  return {
    at: at!,
    entries: entries!,
    runnable: runnable!,
    running: running!,
    delayed: delayed!,
    withoutEntry: withoutEntry!,
    withoutJob: withoutJob!,
    outOfPlace: outOfPlace!,
  }
}
