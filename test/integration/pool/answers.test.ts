/** What helps before a push and after a failure: preflight, why, repro, retry --failed-only. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { runProcess } from '#test/helpers/run-process.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
let pool: TestPool
/** What the steps put out, behind the line of the clone. */
const output = (text: string): string => expect.stringMatching(`^Cloning .*\n${text}$`) as string
beforeAll(async () => {
  pool = await testPool({ TOKEN: 'sesame' })
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

describe('preflight', () => {
  const repo = createRepo({
    files: {
      '.gitignore': 'ignored.txt\n',
      '.raibid.yaml':
        'steps: [{ name: look, run: "cat a.txt new/*.txt; test ! -e ignored.txt; test ! -e gone.txt; echo from $RAIBID_REPO" }]\n',
      'a.txt': 'committed\n',
      'gone.txt': 'x\n',
    },
  })

  test('builds what is there: uncommitted, untracked, staged and deleted, not the ignored; and changes nothing', async () => {
    writeFileSync(join(repo.path, 'a.txt'), 'changed\n')
    repo.git('rm', '--quiet', 'gone.txt')
    await runProcess('mkdir', [join(repo.path, 'new')])
    writeFileSync(join(repo.path, 'new/ü "x".txt'), 'untracked\n')
    writeFileSync(join(repo.path, 'ignored.txt'), 'no\n')
    const before = [
      repo.git('status', '--porcelain'),
      repo.git('for-each-ref'),
      repo.git('count-objects'),
      readdirSync(join(repo.path, '.git')).sort(),
    ]
    const { code, stdout, stderr } = await pool.task('jobs/preflight', join(repo.path, 'new'))
    expect([code, stdout]).toEqual([0, output(`changed\nuntracked\nfrom ${repo.path}\n`)])
    expect(stderr).toMatch(/main as it is here, 3 files differ from the last commit/)
    expect([
      repo.git('status', '--porcelain'),
      repo.git('for-each-ref'),
      repo.git('count-objects'),
      readdirSync(join(repo.path, '.git')).sort(),
    ]).toEqual(before)
  })

  test('a repository without a commit, on sha256', async () => {
    const path = mkdtempSync(join(tmpdir(), 'raibid-fresh-'))
    await runProcess('git', ['init', '--quiet', '--object-format=sha256', '--initial-branch=topic', path])
    writeFileSync(join(path, '.raibid.yaml'), 'steps: [{ run: "echo on $RAIBID_BRANCH", branches: [topic] }]\n')
    expect(await pool.task('jobs/preflight', path)).toMatchObject({ code: 0, stdout: output('on topic\n') })
  })

  test('the first failure ends it, with exit 1 and its first error lines', async () => {
    const { path } = stepsRepo('echo "error: it broke"; exit 3', 'echo never')
    const { code, stdout, stderr } = await pool.task('jobs/preflight', path)
    expect([code, stdout]).toEqual([1, output('error: it broke\n')])
    expect(stderr).toMatch(/step step1: exit 3.*\n\s+in step1:\n\s+error: it broke/)
  })

  test('a folder that is no working tree: exit 1 in one sentence, and no job', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'raibid-empty-'))
    const bare = mkdtempSync(join(tmpdir(), 'raibid-bare-'))
    await runProcess('git', ['init', '--quiet', '--bare', bare])
    const count = (await pool.must('jobs/jobs', '--json')).length
    expect(await pool.task('jobs/preflight', empty)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${empty} is not inside a git repository`) as string,
    })
    expect(await pool.task('jobs/preflight', bare)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('which has no working tree') as string,
    })
    expect((await pool.must('jobs/jobs', '--json')).length).toBe(count)
  })

  test('an interrupt cancels the job', async () => {
    const { path } = stepsRepo('echo begun; sleep 60')
    const child = spawn(process.execPath, [join(root, 'tasks/jobs/preflight.ts'), path], { env: { ...process.env, ...pool.env } })
    let out = ''
    child.stdout.on('data', (text) => (out += String(text)))
    await waitFor('the step', () => out.includes('begun'), 20_000)
    child.kill('SIGINT')
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code).toBe(130)
    const [latest] = JSON.parse(await pool.must('jobs/jobs', '--json', '--limit', '1')) as { id: string }[]
    expect(await pool.ended(latest!.id)).toMatchObject({ state: 'cancelled' })
  })
})

describe('retry --failed-only', () => {
  const flag = join(mkdtempSync(join(tmpdir(), 'raibid-flag-')), 'mended')
  const repo = createRepo({
    files: {
      '.raibid.yaml': `steps:
  - { name: install, run: echo installs }
  - { name: lint, run: echo lints, independent: true }
  - { name: test, run: 'echo tests; test -e ${flag}', independent: true }
  - { name: later, run: echo later }
`,
    },
  })

  test('leaves out what has passed and stands alone; a retry after that does so as well; a plain one runs all', async () => {
    const id = await pool.enqueue(repo.path)
    expect(await pool.ended(id)).toMatchObject({ state: 'failed' })
    const told = await pool.task('jobs/tail', id)
    expect(told.stderr).toContain(`just retry ${id.slice(-6)} --failed-only`)
    for (const attempt of [2, 3]) {
      const { stderr } = await pool.task('jobs/retry', id, '--failed-only')
      expect(stderr).toMatch(/runs again, without what has passed: lint/)
      expect((await pool.ended(id)).steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
        'install success',
        'lint skipped',
        'test failed',
      ])
      expect(await pool.log(id, attempt)).toMatch(/^installs\ntests\n$/m)
    }
    writeFileSync(flag, '')
    await pool.must('jobs/retry', id, '--failed-only')
    const ended = await pool.ended(id)
    expect(ended).toMatchObject({ state: 'success' })
    expect(ended.steps[1]).toMatchObject({ name: 'lint', state: 'skipped', reason: 'passed in attempt 1' })
    await pool.must('jobs/retry', id)
    expect((await pool.ended(id)).steps.map(({ state }) => state)).toEqual(['success', 'success', 'success', 'success'])
  })

  test('a pipeline that allows nothing of it: all runs, and it says so', async () => {
    const id = await pool.enqueue(stepsRepo('echo a', 'exit 1').path)
    await pool.ended(id)
    const { stderr } = await pool.task('jobs/retry', id, '--failed-only')
    expect(stderr).toMatch(/runs again, whole: no step that passed stands alone/)
    expect((await pool.ended(id)).steps.map(({ state }) => state)).toEqual(['success', 'failed'])
  })
})

describe('why', () => {
  test('a job that waits, one that runs, one that failed, and none', async () => {
    const first = await pool.enqueue(stepsRepo('echo begun; sleep 60').path)
    await pool.said(first, 'begun')
    const second = await pool.enqueue(stepsRepo('echo "error: no such thing"; exit 2').path)
    expect((await pool.task('jobs/why', second)).stdout).toMatch(
      /^waiting .*: 1 agent busy \(max 1\); nothing is known of how long they take\n$/,
    )
    expect((await pool.task('jobs/why', first)).stdout).toMatch(/^running for .*: step1 for about .*; queued .*\n$/)
    await pool.must('jobs/cancel', first)
    await pool.ended(second)
    expect((await pool.task('jobs/why', second)).stdout).toMatch(
      /^failed after .*: step step1: exit 2 \| error: no such thing\n$/,
    )
    expect(JSON.parse((await pool.task('jobs/why', first, '--json')).stdout)).toMatchObject({ id: first, state: 'cancelled' })
    expect(await pool.task('jobs/why', 'ZZZZZZ')).toMatchObject({ code: 1 })
  })
})

describe('repro', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-repro-test-'))
  const script = (file: string, args: string[], env: NodeJS.ProcessEnv = {}, input = '') =>
    new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'node_modules/zx/build/cli.js'), file, ...args], {
        env: { ...process.env, ...env },
      })
      let out = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += String(text)))
      child.stdin.end(input)
      child.once('exit', (code) => resolve({ code, out }))
    })

  test('runs the same steps at the same commit with the same names, also when the branch has moved on', async () => {
    const repo = createRepo({
      files: {
        '.raibid.yaml': `env: { LEVEL: "two \\"\`$\{x}" }
secrets: [TOKEN]
steps:
  - { name: "odd \`$\{1}\` */ name", run: 'echo "$LEVEL|$TOKEN|$CI|$RAIBID_BRANCH|$RAIBID_COMMIT|\${HIDDEN-unset}"' }
  - run: |
      echo several
      cat a.txt
      exit 4
  - run: echo never
`,
        'a.txt': 'old\n',
      },
    })
    const id = await pool.enqueue(repo.path, '--secret', 'TOKEN')
    expect(await pool.ended(id)).toMatchObject({ state: 'failed', exitCode: 4 })
    repo.commitFiles({ 'a.txt': 'new\n' })
    const file = join(folder, 'it.mjs')
    expect(await pool.task('jobs/repro', id, '--out', file)).toMatchObject({ code: 0, stdout: `${file}\n` })
    expect(await pool.task('jobs/repro', id, '--out', file)).toMatchObject({ code: 2 })
    const without = await script(file, [join(folder, 'w0')], { TOKEN: '' })
    expect([without.code, without.out]).toEqual([2, expect.stringContaining('Set TOKEN first')])
    const ran = await script(file, [join(folder, 'w1')], { TOKEN: 'sesame', HIDDEN: 'seen' })
    expect(ran.code).toBe(1)
    expect(ran.out).toContain(`two "\`\${x}|sesame|true|main|${repo.commit}|unset`)
    expect(ran.out).toMatch(/^several\nold\n/m)
    expect(ran.out).toMatch(/✗ echo several: exit 4/)
    expect(readFileSync(join(folder, 'w1/a.txt'), 'utf8')).toBe('old\n')
    expect(existsSync(join(folder, 'w0'))).toBe(false)
  })

  test('--shell stops before the step that failed, in its workspace', async () => {
    const id = await pool.enqueue(stepsRepo('echo made > made.txt', 'echo "not yet"; exit 1').path)
    await pool.ended(id)
    const file = join(folder, 'shell.mjs')
    await pool.must('jobs/repro', id, '--out', file)
    const { code, out } = await script(file, ['--shell'], {}, 'cat made.txt; echo $CI; exit 9\n')
    expect(code).toBe(9)
    expect(out).toMatch(/▸ step2 comes next/)
    expect(out).toMatch(/^made\ntrue$/m)
    expect(out).not.toMatch(/^not yet$/m)
  })
})
