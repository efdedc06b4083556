import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { session } from '#agent/session.ts'
import type { Job } from '#lib/queue/types.ts'
import type { Claimed, Worker } from '#lib/queue/worker.ts'

const job = { kind: 'job', job: { id: 'j' } as Job } as const

/** A session over these answers of the queue, one after the other. */
function sessionOver(answers: (Claimed | Error)[]): Promise<number> {
  const claim = (): Promise<Claimed> => {
    const answer = answers.shift() ?? job
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
  return session({
    worker: { claim, waitForBell: () => Promise.resolve() } as unknown as Worker,
    bell: () => ({}) as Redis,
    pool: 'default',
    maxJobs: 1,
    idleMs: 2000,
    leave: new AbortController().signal,
    run: () => Promise.resolve(),
    onIdle: () => {},
  })
}

test('a Redis that is full, loading or can’t write is waited for: the agent asks again', async () => {
  const full = new Error("OOM command not allowed when used memory > 'maxmemory'.")
  expect(await sessionOver([full, new Error('LOADING Redis is loading'), job])).toBe(1)
})

test('anything else that is wrong with a claim ends the agent', async () => {
  await expect(sessionOver([new Error('ERR what is this')])).rejects.toThrow('ERR what is this')
})
