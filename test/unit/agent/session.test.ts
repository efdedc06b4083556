import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { session, type SessionOptions } from '#agent/session.ts'
import type { Job } from '#lib/queue/types.ts'
import type { Claimed, Worker } from '#lib/queue/worker.ts'

const job = { kind: 'job', job: { id: 'j' } as Job } as const

/** A session over these answers of the queue, one after the other. */
function sessionOver(answers: (Claimed | Error)[], more: Partial<SessionOptions> = {}): Promise<number> {
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
    run: () => Promise.resolve(null),
    onIdle: () => {},
    ...more,
  })
}

test('a Redis that is full, loading or can’t write is waited for: the agent asks again', async () => {
  const full = new Error("OOM command not allowed when used memory > 'maxmemory'.")
  expect(await sessionOver([full, new Error('LOADING Redis is loading'), job])).toBe(1)
})

test('anything else that is wrong with a claim ends the agent', async () => {
  await expect(sessionOver([new Error('ERR what is this')])).rejects.toThrow('ERR what is this')
})

test('the job that a report brought is run without another claim, and the last report asks for none', async () => {
  const seen: [string, boolean][] = []
  const second = { kind: 'job', job: { id: 'k' } as Job } as const
  const run: SessionOptions['run'] = (one, _, next) => (
    seen.push([one.id, next !== null]),
    Promise.resolve(next === null ? null : second)
  )
  expect(await sessionOver([job], { maxJobs: 3, run })).toBe(3)
  expect(seen).toEqual([
    ['j', true],
    ['k', true],
    ['k', false],
  ])
})

test('an agent asked to leave still runs a job that its last report brought, for nobody else would before the lease ends', async () => {
  const leave = new AbortController()
  const tokens: string[] = []
  const run: SessionOptions['run'] = (_, token, next) => {
    tokens.push(token)
    leave.abort()
    return Promise.resolve(next === null ? null : job)
  }
  expect(await sessionOver([job], { maxJobs: 5, leave: leave.signal, run })).toBe(2)
  expect(new Set(tokens).size).toBe(2)
})
