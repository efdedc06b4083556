import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reader } from '#lib/queue/reader.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeEach(async () => {
  pool = await testPool()
  gate = join(pool.home, 'gate')
})
afterEach(() => pool.close())

// a job ends when the test says so
let gate: string
const open = (): void => writeFileSync(gate, '')
const shown = async () => (JSON.parse(await pool.must('jobs/queue', '--json')) as { pools: Record<string, unknown>[] }).pools[0]!
const running = (n: number) =>
  waitFor(`${n} at work`, async () => (await reader(pool.client()).counts(['default']))[0]!.running === n, 30_000)
let n = 0
const enqueue = () => pool.enqueue(stepsRepo(`while [ ! -e ${gate} ]; do sleep 0.1; done`).path, '--env', `N=${n++}`)

test('a pool that runs takes a new max at once, and keeps it through down and up; `up --max` is the newer word', async () => {
  await pool.up('--max', '1')
  const ids = [await enqueue(), await enqueue(), await enqueue()]
  await running(1)
  expect(JSON.parse(await pool.must('pool/scale', 'default', '3', '--json'))).toMatchObject({
    max: 3,
    changed: true,
    running: true,
  })
  await running(3)
  open()
  for (const id of ids) expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1 })
  await pool.down()
  const up = await pool.task('pool/up')
  expect(up.stderr).toContain('default: up to 3 agents')
  expect(await shown()).toMatchObject({ max: 3, paused: null })
  await pool.down()
  expect((await pool.task('pool/up', '--max', '2')).stderr).toContain('default: up to 2 agents')
})

test('a paused pool starts nothing, and its agents finish; it stays so through down and up; resumed it goes on at once', async () => {
  await pool.up('--max', '2')
  const first = await enqueue()
  await running(1)
  const paused = await pool.task('pool/pause', 'default', '--because', 'the disk is full')
  expect(paused.stderr).toMatch(/pool default: paused by \S+: the disk is full; agents at work finish, none is started/)
  const second = await enqueue()
  open()
  expect(await pool.ended(first)).toMatchObject({ state: 'success' })
  await pool.down()
  expect((await pool.task('pool/up')).stderr).toMatch(/default: paused by \S+: the disk is full \(`just resume default`\)/)
  expect((await pool.job(second)).state).toBe('pending')
  expect((await pool.task('jobs/queue')).stdout).toMatch(/default +1 +0 +0 +\d+ +paused by \S+: the disk is full/)
  expect((await pool.task('pool/resume', 'default')).code).toBe(0)
  expect(await pool.ended(second)).toMatchObject({ state: 'success' })
  expect((await pool.task('pool/resume', 'default')).stderr).toContain('pool default already: up to')
})

test('an unknown pool and a max that is none are wrong usage; a cluster that is not there is exit 3', async () => {
  const unknown = await pool.task('pool/pause', 'gpu')
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('there is no pool "gpu"; known: default')])
  const zero = await pool.task('pool/scale', 'default', '0')
  expect([zero.code, zero.stderr]).toEqual([
    2,
    expect.stringMatching(/"0" is not a whole number ≥ 1; to start none, use `just pause`/),
  ])
  const nowhere = await pool.task('pool/resume', 'default', '--cluster')
  expect([nowhere.code, nowhere.stderr]).toEqual([3, expect.stringContaining('no Kubernetes is configured: set KUBECONFIG')])
  expect((await pool.task('pool/scale', 'default', '5')).stderr).toContain('(from the next `just up` on)')
})
