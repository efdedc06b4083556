/** A long history, quickly: many copies of one real finished job. */
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { producer } from '#lib/queue/producer.ts'
import { worker } from '#lib/queue/worker.ts'
import { aCommit, aResult, aSpec } from '#test/helpers/queue.ts'

/**
 * Copies hash and log, and adds the copy to each sorted set that holds the original's id, or that id backwards; half a second apart. ARGV:
 * original, the sets as JSON, number of the first copy, how many. An id is the original's time and a digest of the number: hexadecimal
 * digits are ULID letters too.
 */
const copies = `
local original, sets, from = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])
for i = from, from + tonumber(ARGV[4]) - 1 do
  local id = original:sub(1, 10) .. redis.sha1hex(i):sub(1, 16):upper()
  redis.call('COPY', 'job:' .. original, 'job:' .. id)
  redis.call('COPY', 'job:' .. original .. ':log', 'job:' .. id .. ':log')
  redis.call('HSET', 'job:' .. id, 'commit', string.format('%040x', i))
  for _, set in ipairs(sets) do
    redis.call('ZADD', set.key, set.score == 0 and 0 or set.score - 500 * i, set.backwards and id:reverse() or id)
  end
end`

/** Makes the history of an empty Redis `jobs` long, by one script for each thousand. */
export async function makeHistory(redis: Redis, jobs: number, signal: AbortSignal): Promise<void> {
  const first = await finishedJob(redis)
  const sets = JSON.stringify(await setsWith(redis, first))
  for (let made = 1; made < jobs; made += 1000) {
    signal.throwIfAborted()
    await redis.eval(copies, 0, first, sets, made, Math.min(1000, jobs - made))
  }
}

async function finishedJob(redis: Redis): Promise<string> {
  const { id } = await producer(redis).enqueue(aSpec({ commit: aCommit(0xfffff) }))
  const agent = worker(redis, 'history')
  await agent.claim('history', 'default')
  await agent.log(id, 'history', [{ seq: 1, kind: 'out', step: 0, text: 'a line\n', lines: 1, line: 0 }])
  await agent.finish(id, 'history', aResult())
  return id
}

async function setsWith(redis: Redis, id: string): Promise<{ key: string; score: number; backwards: boolean }[]> {
  const found = []
  for (const key of await redis.keys('*')) {
    if (key.startsWith(keys.job(id)) || (await redis.type(key)) !== 'zset') continue
    for (const backwards of [false, true]) {
      const score = await redis.zscore(key, backwards ? [...id].reverse().join('') : id)
      if (score !== null) found.push({ key, score: Number(score), backwards })
    }
  }
  return found
}
