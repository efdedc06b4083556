import { stringify } from 'yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { createRepo, type Files } from '#test/helpers/tmp-repo.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool({ TOKEN: 'very-secret-token' })
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

const suite = (cases: string): string => `<testsuite>${cases}</testsuite>\n`
const bad = suite(
  '<testcase name="adds"/><testcase classname="sums" name="divides"><failure message="expected 2, not very-secret-token"/></testcase>',
)
const repo = (steps: string[], keys: object, files: Files = {}): string =>
  createRepo({
    files: { ...files, '.raibid.yaml': stringify({ ...keys, steps: steps.map((run, i) => ({ name: `step${i + 1}`, run })) }) },
  }).path

test('the tests that failed are named: on the job, at the end of tail, in JSON; secrets are not told', async () => {
  const path = repo(['cp bad.txt out.xml; exit 1'], { reports: ['*.xml'] }, { 'bad.txt': bad })
  const id = await pool.enqueue(path, '--secret', 'TOKEN')
  const job = await pool.ended(id)
  // cp gives a new file the time of now
  const failures = [{ name: 'sums › divides', message: 'expected 2, not ***' }]
  expect(job.steps[0]).toMatchObject({ state: 'failed', tests: { passed: 1, failed: 1, skipped: 0, failures } })
  expect(await pool.must('jobs/job', id)).toMatch(
    /step1 +failed +1 .*exit 1; 1 of 2 tests failed\n\nfailed tests\n {2}sums › divides: expected 2, not \*\*\*$/,
  )
  const { stderr } = await pool.task('jobs/tail', id)
  expect(stderr).toMatch(/ {2}in step1, 1 of 2 tests failed:\n {4}sums › divides: expected 2, not \*\*\*\n {2}just tail/)
})

test('only what a step wrote itself counts for it, artifacts that are JUnit too; a report that is none is said', async () => {
  const ok = suite('<testcase name="a"/>')
  const keys = { reports: ['reports/*.xml'], artifacts: ['kept/*'] }
  const files = { 'reports/old.xml': bad, 'ok.txt': ok }
  const laughs = `printf '<!DOCTYPE x [<!ENTITY a "ha">]><testsuite/>' > reports/laughs.xml; head -c 17000000 /dev/zero > reports/large.xml`
  const path = repo(
    ['echo nothing', `mkdir kept; cp ok.txt kept/new.xml; cp ok.txt reports/new.xml; ${laughs}`, 'echo later'],
    keys,
    files,
  )
  const id = await pool.enqueue(path)
  const { state, steps } = await pool.ended(id)
  expect([state, steps.map(({ tests }) => tests?.passed)]).toEqual(['success', [undefined, 2, undefined]])
  const log = await pool.log(id)
  expect(log).toContain('test report reports/laughs.xml: has a DOCTYPE, which no test report needs\n')
  expect(log).toContain('test report reports/large.xml: has 16.2 MiB; at most 16.0 MiB are read\n')
})
