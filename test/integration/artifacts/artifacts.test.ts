import { existsSync, mkdtempSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { createRepo, type Files } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool()
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

const repo = (run: string, artifacts: string[], files: Files = {}): string =>
  createRepo({ files: { ...files, '.raibid.yaml': stringify({ artifacts, steps: [{ name: 'make', run }] }) } }).path
const phaseOf = (job: Awaited<ReturnType<TestPool['job']>>) => job.phases.find(({ name }) => name === 'artifacts')
const folder = (): string => mkdtempSync(join(tmpdir(), 'raibid-into-'))

test('a job keeps the files that it names; they are listed, and written where they are wanted', async () => {
  const run =
    'mkdir -p out "odd dir"; echo hello > out/app; chmod +x out/app; echo x > "odd dir/a b.txt"; ln -s /etc/passwd out/link'
  const id = await pool.enqueue(repo(run, ['out', 'odd dir/*', 'nothing/*']))
  const job = await pool.ended(id)
  const paths = ['odd dir/a b.txt', 'out/app']
  expect([job.state, phaseOf(job)]).toMatchObject(['success', { state: 'success', artifacts: paths.map((path) => ({ path })) }])
  expect(phaseOf(job)?.reason).toBe('left out: out/link is not a regular file')
  const log = await pool.log(id)
  expect(log).toContain('nothing/*: no file matches\n')
  expect(log).toContain('kept 2 files, 8 bytes\n')

  const listed = await pool.must('jobs/artifacts', id)
  expect(listed).toMatch(/PATH +BYTES +SHA-256\nodd dir\/a b\.txt +2 +[0-9a-f]{12}\nout\/app +6 +5891b5b522d5/)
  const into = join(folder(), 'new')
  const got = await pool.must('jobs/artifacts', id, '--get', '--into', into)
  expect(got.split('\n')).toEqual(paths.map((path) => join(into, path)))
  expect([readFileSync(join(into, 'out/app'), 'utf8'), statSync(join(into, 'out/app')).mode & 0o111]).toEqual(['hello\n', 0o111])
  expect(await pool.task('jobs/artifacts', id, '--get', '--into', into)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /nothing was written below .*\n {2}"odd dir\/a b\.txt" exists there already\n {2}"out\/app" exists/,
    ),
  })
  const one = folder()
  await pool.must('jobs/artifacts', id, 'out/app', '--get', '--into', one, '--json')
  expect(readdirSync(one)).toEqual(['out'])
  expect(await pool.task('jobs/artifacts', id, 'out/nothing')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/kept no "out\/nothing"/),
  })
  expect(await pool.task('jobs/artifacts', id, '--into', one)).toMatchObject({ code: 2 })
})

test('a failed step leaves them, too; a job that was cancelled leaves none', async () => {
  const failed = await pool.ended(await pool.enqueue(repo("echo why > report.txt; echo 'error: broken'; exit 3", ['report.txt'])))
  expect([failed.state, failed.reason, phaseOf(failed)?.artifacts?.length]).toEqual(['failed', 'step make: exit 3', 1])
  // what was kept comes behind the step, and is not taken for its output
  expect((await pool.task('jobs/tail', failed.id)).stderr).toMatch(/in make:\n +error: broken\n/)
  expect(await pool.must('jobs/why', failed.id)).toContain('step make: exit 3 | error: broken')
  expect((await pool.must('jobs/job', failed.id)).indexOf('\nmake')).toBeLessThan(
    (await pool.must('jobs/job', failed.id)).indexOf('\nartifacts'),
  )
  const id = await pool.enqueue(repo('echo why > report.txt; echo on; sleep 60', ['report.txt']))
  await pool.said(id, 'on')
  await pool.must('jobs/cancel', id)
  expect(phaseOf(await pool.ended(id))).toBeUndefined()
  expect(JSON.parse(await pool.must('jobs/artifacts', id, '--json'))).toMatchObject({ artifacts: [] })
})

test('names in a store that are out to do harm are not written, nor is what was changed in it', async () => {
  const id = await pool.enqueue(repo('echo hello > a; echo hello > b', ['a', 'b']))
  await pool.ended(id)
  const place = join(pool.home, 'artifacts', id, '1')
  const manifest = join(place, 'manifest.json')
  const whole = readFileSync(manifest, 'utf8')
  const named = (path: string): void => writeFileSync(manifest, whole.replace('"path":"a"', `"path":${JSON.stringify(path)}`))
  const into = folder()
  symlinkSync(tmpdir(), join(into, 'link'))
  const get = () => pool.task('jobs/artifacts', id, '--get', '--into', into)
  for (const [path, why] of [
    ['../escaped', 'leads out of the workspace'],
    ['/tmp/escaped', 'does not lie in the workspace'],
    ['link/escaped', 'would be written through the symbolic link link'],
    ['a\u001b[2J', 'contains a control character'],
  ] as const) {
    named(path)
    const { code, stderr } = await get()
    expect([code, stderr]).toEqual([1, expect.stringContaining(why)])
    expect(stderr).not.toContain('\u001b[2J')
  }
  expect(readdirSync(into)).toEqual(['link'])
  writeFileSync(manifest, whole)
  writeFileSync(join(place, '0'), 'hellO\n')
  expect(await get()).toMatchObject({ code: 1, stderr: expect.stringMatching(/"a" is damaged in the store/) })
  expect(readdirSync(into)).toEqual(['link'])
})

test('of two attempts only the accepted one counts, whatever a stale one kept', async () => {
  const run = 'echo "attempt $RAIBID_ATTEMPT" > which; echo on; if [ "$RAIBID_ATTEMPT" = 1 ]; then sleep 60; fi'
  const id = await pool.enqueue(repo(run, ['which']))
  await pool.said(id, 'on')
  process.kill((await pool.agentOf(id)).pid, 'SIGKILL')
  const job = await waitFor('its second attempt', async () => {
    const now = await pool.job(id)
    return now.state === 'success' ? now : null
  })
  const into = folder()
  await pool.must('jobs/artifacts', id, '--get', '--into', into)
  expect([job.attempt, readFileSync(join(into, 'which'), 'utf8')]).toEqual([2, 'attempt 2\n'])
  expect(existsSync(join(pool.home, 'artifacts', id, '1'))).toBe(false)
})
