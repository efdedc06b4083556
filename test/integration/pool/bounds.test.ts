import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMarked } from '#lib/processes.ts'
import { startGitServer } from '#test/helpers/git-server.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool()
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

/** Megabytes of output; the whole gigabyte of the promise with RAIBID_TEST_LOG_MB=1024. */
const megabytes = Number(process.env['RAIBID_TEST_LOG_MB'] ?? 100)

test(
  `a log of ${megabytes} MB: bounded in Redis, head and tail kept, the cut stated, the agent under 150 MB`,
  { timeout: 300_000 },
  async () => {
    const lines = megabytes * 10_000
    const id = await pool.enqueue(stepsRepo(`echo first; seq -f "%099.0f" ${lines}; echo last`).path)
    let peak = 0
    const { state } = await waitFor(
      'the end',
      async () => {
        const job = await pool.job(id)
        if (job.agent && job.state === 'running')
          peak = Math.max(peak, residentMb((await pool.agentOf(id).catch(() => ({ pid: 0 }))).pid))
        return ['success', 'failed', 'dead'].includes(job.state) ? job : null
      },
      280_000,
    )
    expect(state).toBe('success')
    expect(peak).toBeGreaterThan(10)
    expect(peak).toBeLessThan(150)
    const log = await pool.log(id)
    const kept = log.split('\n').filter((line) => /^\d{99}$/.test(line)).length
    expect(log).toMatch(/^Cloning[^\n]*\nfirst\n0+1\n/)
    expect(log).toMatch(/\nlast\n$/)
    const { logCut } = await pool.job(id)
    expect(log.length).toBeLessThanOrEqual(16 * 1024 * 1024)
    // a line that the cut goes through is in neither part whole: one at each side
    expect(Math.abs(kept + logCut.lines - lines)).toBeLessThanOrEqual(2)
    const { stderr } = await pool.task('jobs/tail', id)
    expect(stderr).toMatch(/… [\d,]+ lines cut here to keep the log within its budget …/)
  },
)

test('cancel during the clone: one final state, nothing left', async () => {
  const repo = stepsRepo('echo never')
  let asked = 0
  const server = await startGitServer({
    root: dirname(repo.path),
    // what carries the objects is never answered
    intercept: (request) => request.method === 'POST' && ++asked > 0,
  })
  try {
    const id = await pool.enqueue(`${server.url}/${repo.path.split('/').pop()}/.git`, 'main', '--commit', repo.commit)
    const job = await waitFor('the clone to hang', async () =>
      (await pool.job(id)).phases[0]?.state === 'running' && asked > 0 ? pool.job(id) : null,
    )
    const begun = Date.now()
    await pool.must('jobs/cancel', id)
    await waitFor('git to be gone', () => findMarked('RAIBID_MARK', job.agent).length === 0)
    expect(Date.now() - begun).toBeLessThan(5000)
    expect(await pool.ended(id)).toMatchObject({
      state: 'cancelled',
      attempt: 1,
      phases: [{ name: 'clone', state: 'cancelled' }],
    })
  } finally {
    await server.close()
  }
})

function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(join('/proc', String(pid), 'status'), 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
