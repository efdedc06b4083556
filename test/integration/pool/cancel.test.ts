import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findMarked } from '#lib/processes.ts'
import { producer } from '#lib/queue/producer.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool()
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

const marked = async (id: string) => findMarked('RAIBID_MARK', (await pool.job(id)).agent)

describe('cancel', () => {
  test('while it waits: it never runs', async () => {
    const running = await pool.enqueue(stepsRepo('echo here; sleep 60').path)
    const id = await pool.enqueue(stepsRepo('echo never').path)
    await pool.must('jobs/cancel', id)
    expect(await pool.job(id)).toMatchObject({ state: 'cancelled', attempt: 0 })
    await pool.must('jobs/cancel', running)
    expect((await pool.ended(running)).state).toBe('cancelled')
  })

  test('a step that ignores TERM and has grandchildren in other groups and sessions: all gone in 2 s', async () => {
    const stubborn = `trap '' TERM
      setsid sh -c 'trap "" TERM; while :; do sleep 1; done' &
      (set -m; sh -c 'trap "" TERM; sleep 1000; sleep 1000' &)
      setsid setsid env -i sh -c 'trap "" TERM; sleep 1000; sleep 1000' &
      sh -c 'trap "" TERM; sleep 1000 & sleep 1000; sleep 1000' &
      echo ready; while :; do sleep 1; done`
    const id = await pool.enqueue(stepsRepo(stubborn).path)
    await pool.said(id, 'ready')
    const before = await marked(id)
    expect(before.length).toBeGreaterThan(4)
    const client = producer(pool.client())
    const begun = Date.now()
    await client.cancel(id, 'by the test')
    await waitFor('the tree to be gone', async () => (await marked(id)).length === 0)
    expect(Date.now() - begun).toBeLessThan(5000)
    expect(await pool.ended(id)).toMatchObject({
      state: 'cancelled',
      reason: 'by the test',
      attempt: 1,
      steps: [{ state: 'cancelled' }],
    })
  })

  test('at the moment of finishing: one final state each, and the same for everybody', async () => {
    const repo = stepsRepo('echo quick')
    for (let n = 0; n < 10; n++) {
      const id = await pool.enqueue(repo.path, '--env', `N=${n}`)
      await waitFor('the step', async () => (await pool.job(id)).steps.length > 0)
      await producer(pool.client()).cancel(id, 'race')
      const { state } = await pool.ended(id)
      expect(['success', 'cancelled']).toContain(state)
      const ends = (await pool.client().xrange('ci-events', '-', '+'))
        .map(([, fields]) => fields)
        .filter((fields) => fields[1] === id && ['success', 'cancelled', 'failed', 'dead'].includes(fields[3]!))
      expect(ends).toHaveLength(1)
    }
  })
})

describe('timeouts', () => {
  test('of a step and of the job: failed, with the reason', async () => {
    const step = await pool.enqueue(stepsRepo({ name: 'slow', run: 'echo a; sleep 60', timeout: '300ms' }).path)
    expect(await pool.ended(step)).toMatchObject({ state: 'failed', reason: 'step slow: timed out after 300ms' })
    const job = await pool.enqueue(stepsRepo('sleep 60').path, '--timeout', '700ms')
    expect(await pool.ended(job)).toMatchObject({ state: 'failed', reason: 'timed out after 700ms' })
  })

  test('no job and no repository may ask for more than the longest build', async () => {
    const bounded = await testPool({ RAIBID_LONGEST_BUILD: '1' })
    onTestFinished(() => bounded.close())
    await bounded.up('--max', '1')
    const job = await bounded.enqueue(stepsRepo('sleep 60').path, '--timeout', '1h')
    expect(await bounded.ended(job)).toMatchObject({ state: 'failed', reason: 'timed out after 1.0s' })
  })
})

describe('down', () => {
  test('--now gives a running job back at no cost; down waits for it', async () => {
    const repo = stepsRepo('echo "begun $RAIBID_ATTEMPT"; sleep 2; echo ended')
    const id = await pool.enqueue(repo.path)
    await pool.said(id, 'begun 1')
    await pool.down('--now')
    await pool.up('--max', '1')
    await pool.said(id, 'begun 2')
    expect(await pool.job(id)).toMatchObject({ attempt: 2, tries: 0 })
    await pool.down()
    await pool.up('--max', '1')
    expect(await pool.job(id)).toMatchObject({ state: 'success', attempt: 2, tries: 0 })
  })

  test('a second `up` says so and exits 0', async () => {
    const { code, stderr } = await pool.task('pool/up')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/running already \(pid \d+\)/)])
    const foreground = await pool.task('pool/up', '--foreground')
    expect(foreground.code).toBe(0)
  })
})
