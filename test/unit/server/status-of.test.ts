import { expect, test } from 'vitest'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import type { Job } from '#lib/queue/types.ts'
import { statusOf } from '#lib/server/status/of.ts'
import { patience, troubleOf } from '#lib/server/status/target.ts'
import { parseJob } from '#lib/queue/parse.ts'

const job = (more: Partial<Job>): Job => {
  const spec = JSON.stringify({ branch: 'main', commit: 'a'.repeat(40), pipeline: 'rust' })
  return { ...parseJob('01J', { repo: '/r', state: 'pending', spec })!, ...more }
}

test.each([
  [{ state: 'held', reason: 'from a fork' }, 'pending: waits: from a fork'],
  [{ state: 'pending' }, 'pending: waits for an agent'],
  [{ state: 'pending', attempt: 1, reason: 'agent lost: killed' }, 'pending: waits to run again: agent lost: killed'],
  [{ state: 'delayed', attempt: 2, reason: 'agent lost' }, 'pending: runs again soon: agent lost'],
  [{ state: 'running', attempt: 1 }, 'pending: runs'],
  [{ state: 'running', attempt: 2 }, 'pending: runs, attempt 2'],
  [{ state: 'success', startedAt: 1000, finishedAt: 64_000 }, 'success: passed in 1 min 3 s'],
  [{ state: 'failed', reason: 'step test: exit 101' }, 'failure: step test: exit 101'],
  [{ state: 'cancelled', reason: 'superseded by 3f2c1a9' }, 'error: superseded by 3f2c1a9'],
  [{ state: 'cancelled', reason: 'by ada' }, 'error: cancelled: by ada'],
  [{ state: 'dead', reason: 'agent lost' }, 'error: given up: agent lost'],
  [{ state: 'failed', reason: 'a\u001b[31m\nb\u202e' }, 'failure: a b'],
] as [Partial<Job>, string][])('%o', (more, expected) => {
  const { state, description, context, targetUrl } = statusOf(job(more), 'https://ci.example')
  expect(`${state}: ${description}`).toBe(expected)
  expect([context, targetUrl]).toEqual(['raibid-ci/rust', 'https://ci.example/jobs/01J'])
})

test('no more than 140 characters, no half of one, and no link without an address', () => {
  const { description, ...rest } = statusOf(job({ state: 'failed', reason: `${'x'.repeat(138)}😀${'y'.repeat(9)}` }), null)
  expect(description).toBe(`${'x'.repeat(138)}…`)
  expect(rest).not.toHaveProperty('targetUrl')
})

test.each([
  [new UnreachableError('away'), 1, 'forge'],
  [new RaibidError('no token'), 9, 'forge'],
  [new RefusedError('token', 401), 9, 'forge'],
  [new RefusedError('wait', 429, 5000), 9, 'forge'],
  [new RefusedError('no right', 403), 9, 'job'],
  [new RefusedError('Repository was archived so is read-only.', 403), patience, 'never'],
  [new RefusedError('no such', 404), 1, 'job'],
  [new RefusedError('no such', 404), patience, 'never'],
  [new RefusedError('no commit', 422), patience, 'never'],
  [new RefusedError('bug', 500), patience, 'never'],
  [new TypeError('of ours'), 9, 'job'],
])('%o, tried %d times: %s', async (error, tries, kind) => {
  expect((await troubleOf(error, tries, async () => false)).kind).toBe(kind)
})

test('an error of the server is for ever only where it has not the commit', async () => {
  const error = new RefusedError('500', 500)
  expect((await troubleOf(error, 9, async () => true)).kind).toBe('job')
  expect((await troubleOf(error, 9, () => Promise.reject(new Error('away')))).kind).toBe('job')
})
