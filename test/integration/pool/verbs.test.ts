import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'

let pool: TestPool
let id: string
let broken: string
beforeAll(async () => {
  pool = await testPool()
  await pool.up('--max', '1')
  id = await pool.enqueue(stepsRepo('echo fine').path)
  broken = await pool.enqueue(stepsRepo('echo "it broke"; exit 7').path)
  await pool.ended(id)
  await pool.ended(broken)
})
afterAll(() => pool.close())

describe('Redis is not there', () => {
  const home = mkdtempSync(join(tmpdir(), 'raibid-none-'))
  const verbs = ['jobs', 'queue', 'dead', 'job', 'tail'].map((name) => [name, []] as [string, string[]])
  const named: [string, string[]][] = [...verbs, ['cancel', ['ABCD']], ['retry', ['ABCD']], ['enqueue', ['.']]]

  test.each(named)('%s: exit 3 within 2 s, with the URL and what to do', async (name, args) => {
    const url = `redis://:secret@127.0.0.1:${await freePort()}`
    const begun = Date.now()
    const { code, stdout, stderr } = await runTask(`tasks/jobs/${name}.ts`, args, {
      env: { RAIBID_HOME: home, RAIBID_REDIS_URL: url },
    })
    expect(Date.now() - begun).toBeLessThan(5000)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain(`cannot reach Redis at ${url.replace(':secret@', '')}: nothing listens there`)
    expect(stderr).toMatch(/just up/)
    expect(stderr).not.toMatch(/secret| at .*\.ts:/)
  })

  test('a peer that accepts and says nothing: exit 3 all the same', async () => {
    const port = await freePort()
    const server = createServer(() => {}).listen(port, '127.0.0.1')
    const begun = Date.now()
    const { code, stderr } = await runTask('tasks/jobs/jobs.ts', [], {
      env: { RAIBID_HOME: home, RAIBID_REDIS_URL: `redis://127.0.0.1:${port}` },
    })
    server.close()
    expect(Date.now() - begun).toBeLessThan(5000)
    expect([code, stderr]).toEqual([3, expect.stringMatching(/no answer within 1500 ms/)])
  })

  test('a wrong password, and a home where no pool ever ran', async () => {
    const wrong = pool.client().options
    const refused = await runTask('tasks/jobs/jobs.ts', [], {
      env: { RAIBID_HOME: home, RAIBID_REDIS_URL: `redis://:bad@127.0.0.1:${wrong.port}` },
    })
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/it refuses the password/)])
    const never = await runTask('tasks/jobs/jobs.ts', [], { env: { RAIBID_HOME: home } })
    expect([never.code, never.stderr]).toEqual([3, expect.stringMatching(/no pool has run in .*; start one with `just up`/)])
  })
})

describe('names', () => {
  test('an unknown job: exit 1 with the nearest ids', async () => {
    const { code, stderr } = await pool.task('jobs/tail', `XXXX${id.slice(-3)}`)
    expect(code).toBe(1)
    expect(stderr).toContain(`nearest: ${id}`)
  })

  test('tails, @latest and @failed find the job; its JSON is complete', async () => {
    for (const name of [id.slice(-6), id.toLowerCase(), id])
      expect(JSON.parse(await pool.must('jobs/job', name, '--json'))).toMatchObject({ id })
    expect(JSON.parse(await pool.must('jobs/job', '@failed', '--json'))).toMatchObject({ id: broken, exitCode: 7 })
    const job = JSON.parse(await pool.must('jobs/job', '@latest', '--json')) as Record<string, unknown>
    const wanted =
      'id repo branch commit pipeline pool state reason attempt agent createdAt startedAt finishedAt steps phases'.split(' ')
    expect(Object.keys(job)).toEqual(expect.arrayContaining(wanted))
    expect(job['createdAt']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(job['steps']).toEqual([
      { name: 'step1', state: 'failed', exitCode: 7, durationMs: expect.any(Number), reason: 'exit 7' },
    ])
    expect(JSON.stringify(job)).not.toMatch(/sealed|token/)
  })
})

describe('results', () => {
  test('tail exits with the result, and prints the output alone on stdout', async () => {
    expect(await pool.task('jobs/tail', id)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Cloning .*\nfine\n$/) })
    const failed = await pool.task('jobs/tail', broken)
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/failed: step step1: exit 7/)])
    expect((await pool.task('jobs/tail', broken, '--failed')).stdout).toBe('it broke\n')
    const lines = (await pool.task('jobs/tail', id, '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string })
    expect(lines.map((line) => line.kind)).toEqual(['start', 'step', 'out', 'done', 'step', 'out', 'done', 'end'])
  })

  test('enqueue --wait exits with the result; its stdout is the id alone', async () => {
    expect(await pool.task('jobs/enqueue', stepsRepo('true').path, '--wait')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^[0-9A-Z]{26}\n$/),
    })
    expect(await pool.task('jobs/enqueue', stepsRepo('exit 3').path, '--wait')).toMatchObject({ code: 1 })
  })

  test('jobs, queue and dead list, as tables and as JSON', async () => {
    expect(await pool.must('jobs/jobs', '--state', 'failed', '--limit', '1')).toMatch(/^JOB +STATE .*\n\w{6} +failed/)
    expect((JSON.parse(await pool.must('jobs/jobs', '--json')) as unknown[]).length).toBeGreaterThan(3)
    expect(JSON.parse(await pool.must('jobs/queue', '--json'))).toMatchObject({
      pools: [{ pool: 'default', pending: 0, running: 0, delayed: 0 }],
      held: 0,
      dead: 0,
      jobs: [],
    })
    expect(await pool.must('jobs/dead', '--json')).toBe('[]')
    expect((await pool.task('jobs/jobs', '--state', 'nonsense')).code).toBe(2)
  })

  test('retry runs a failed job again; a job that runs can be neither retried nor dropped', async () => {
    await pool.must('jobs/retry', broken)
    expect(await pool.ended(broken)).toMatchObject({ state: 'failed', attempt: 2 })
    const running = await pool.enqueue(stepsRepo('echo on; sleep 30').path)
    await pool.said(running, 'on')
    expect(await pool.task('jobs/retry', running)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is running: only a finished job/),
    })
    expect(await pool.task('jobs/dead', 'drop', running)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is running, not dead/),
    })
    await pool.must('jobs/cancel', running)
  })
})
