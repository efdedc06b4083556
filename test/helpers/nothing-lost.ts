import type { Redis } from 'ioredis'
import { expect } from 'vitest'
import { keys } from '#lib/queue/keys.ts'
import { pairs } from '#lib/queue/parse.ts'
import { isFinal } from '#lib/queue/types.ts'
import { threeViews, type roles } from './queue.ts'
import { waitFor } from './wait-for.ts'

interface World {
  client: Redis
  queue: ReturnType<typeof roles>
}

/** Waits for the end of these jobs: each has succeeded, once, and the pool's line, stream and group are empty. */
export async function nothingLost({ client, queue }: World, pool: string, ids: string[], withinMs: number): Promise<void> {
  const done = async () => (await queue.reader.jobsOf(ids)).every(({ state }) => isFinal(state))
  await waitFor('the end of all', done, withinMs)
  const wrong = (await queue.reader.jobsOf(ids)).filter(({ state }) => state !== 'success')
  expect(wrong.map(({ id, state, reason, tries }) => ({ id, state, reason, tries }))).toEqual([])
  const events = (await client.xrange(keys.events, '-', '+')).map(([, fields]) => pairs(fields))
  const results = events.filter(({ id, state }) => ids.includes(id!) && state === 'success').map(({ id }) => id)
  expect(results.toSorted()).toEqual(ids.toSorted())
  expect(await threeViews(client, pool)).toEqual({ line: [], delayed: [], stream: [], group: [] })
  expect(await queue.keeper.audit()).toBe(0)
}
