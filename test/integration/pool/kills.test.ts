import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endMarked, isSameProcess, startTimeOf } from '#lib/processes.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { counted, counting, stepsRepo, upTo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeEach(async () => {
  pool = await testPool()
  await pool.up('--max', '2')
})
afterEach(() => pool.close())

const repo = stepsRepo(counting(30))
const noProcesses = () =>
  waitFor('all processes to be gone', () => pool.processes().filter((pid) => pid !== pool.supervisor()).length === 0)

describe('kill -9', () => {
  test('of an agent in the middle of a step: its steps end, its job runs again within 2 s, no line is missing', async () => {
    const id = await pool.enqueue(repo.path)
    await pool.said(id, 'line 5\n')
    const { pid, name } = await pool.agentOf(id)
    const before = Date.now()
    process.kill(pid, 'SIGKILL')
    await waitFor('the second attempt', async () => (await pool.job(id)).attempt === 2)
    expect(Date.now() - before).toBeLessThan(5000)
    expect(await endMarked('RAIBID_MARK', name, { graceMs: 0 })).toBe(0)
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 2, tries: 1 })
    expect(counted(await pool.log(id, 2))).toEqual(upTo(30))
    const first = counted(await pool.log(id, 1))
    expect(first).toEqual(upTo(first.length))
    await noProcesses()
    expect(existsSync(join(pool.home, 'work')) ? readdirSync(join(pool.home, 'work')) : []).toEqual([])
  })

  test('of an agent each time: dead after the third, and the pool is well', async () => {
    const poison = stepsRepo('kill -9 $PPID; sleep 5')
    const id = await pool.enqueue(poison.path)
    // the second loss waits ten seconds before the third try
    expect(await pool.ended(id, 40_000)).toMatchObject({
      state: 'dead',
      attempt: 3,
      tries: 3,
      reason: 'agent lost: killed by SIGKILL (3 times)',
    })
    const next = await pool.enqueue(stepsRepo('echo fine').path)
    expect((await pool.ended(next)).state).toBe('success')
  })

  test('of redis-server: it is started again, and the job ends as if nothing had been', async () => {
    const id = await pool.enqueue(repo.path)
    await pool.said(id, 'line 5\n')
    process.kill(pool.redisPid(), 'SIGKILL')
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1 })
    expect(counted(await pool.log(id))).toEqual(upTo(30))
  })

  test('of the supervisor: its agents go on, and `up` takes them over', async () => {
    const id = await pool.enqueue(repo.path)
    const waiting = await pool.enqueue(stepsRepo('echo later').path)
    await pool.said(id, 'line 2\n')
    process.kill(pool.supervisor()!, 'SIGKILL')
    await waitFor('the supervisor to be gone', () => pool.supervisor() === null)
    await pool.up('--max', '2')
    expect(pool.story()).toMatch(/took over redis-server/)
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1 })
    expect((await pool.ended(waiting)).state).toBe('success')
    await noProcesses()
  })

  test('of everything at once, as in a power cut: `up` resumes every unfinished job', async () => {
    const ids = []
    for (let n = 0; n < 4; n++) ids.push(await pool.enqueue(stepsRepo(counting(20), `echo job ${n}`).path))
    await pool.said(ids[0]!, 'line 3\n')
    const redis = pool.redisPid()
    for (const pid of [pool.supervisor()!, redis, ...pool.processes()])
      if (startTimeOf(pid) !== null) process.kill(pid, 'SIGKILL')
    await waitFor('all to be gone', () => startTimeOf(redis) === null && pool.supervisor() === null)
    await pool.up('--max', '2')
    for (const id of ids) expect((await pool.ended(id)).state).toBe('success')
    for (const id of ids) {
      const { attempt } = await pool.job(id)
      expect(counted(await pool.log(id, attempt))).toEqual(upTo(20))
    }
    await noProcesses()
  })

  test('`down` after a killed supervisor ends what it left; the jobs stay for the next `up`', async () => {
    const id = await pool.enqueue(repo.path)
    await pool.said(id, 'line 2\n')
    const redis = pool.redisPid()
    process.kill(pool.supervisor()!, 'SIGKILL')
    await waitFor('the supervisor to be gone', () => pool.supervisor() === null)
    const { code, stderr } = await pool.task('pool/down')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/ended what an earlier one left behind/)])
    expect(startTimeOf(redis)).toBe(null)
    expect(pool.processes()).toEqual([])
    await pool.up()
    expect(await pool.ended(id)).toMatchObject({ state: 'success', tries: 0 })
  })
})

describe('stopped rather than killed', () => {
  test('redis-server for four leases: nothing runs twice, nothing is lost', { timeout: 120_000 }, async () => {
    const id = await pool.enqueue(stepsRepo(counting(10, 1)).path)
    await pool.said(id, 'line 2\n')
    const redis = pool.redisPid()
    process.kill(redis, 'SIGSTOP')
    const begun = Date.now()
    await waitFor('four leases', () => Date.now() - begun > 60_000, 70_000)
    process.kill(redis, 'SIGCONT')
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1, tries: 0 })
    expect(counted(await pool.log(id))).toEqual(upTo(10))
  })

  test('an agent that hangs: killed before its lease ends, and its job runs again', async () => {
    const id = await pool.enqueue(stepsRepo('echo attempt $RAIBID_ATTEMPT; if [ $RAIBID_ATTEMPT = 1 ]; then sleep 300; fi').path)
    await pool.said(id, 'attempt 1')
    const { pid } = await pool.agentOf(id)
    const start = startTimeOf(pid)!
    process.kill(pid, 'SIGSTOP')
    await waitFor('the second attempt', async () => (await pool.job(id)).attempt === 2, 30_000)
    expect(isSameProcess(pid, start)).toBe(false)
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 2 })
    expect(pool.story()).toMatch(/has been silent for \d+ s: killed/)
  })
})
