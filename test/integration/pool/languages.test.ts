import { cpSync, globSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { needs } from '#test/helpers/needs.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'

let pool: TestPool
beforeAll(async () => {
  // go would otherwise compile its own library anew for each run
  pool = await testPool({ GOCACHE: join(userInfo().homedir, '.cache/go-build') })
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

/** A fixture as a repository of its own. */
function fixture(name: string) {
  const path = mkdtempSync(join(tmpdir(), 'raibid-fixture-'))
  const outside = /node_modules|\.venv|__pycache__|target$/
  cpSync(join(root, 'fixtures', name), path, { recursive: true, filter: (from) => !outside.test(from.slice(root.length)) })
  return createRepo({ path, files: {} })
}

async function built(repo: { path: string }) {
  const job = await pool.ended(await pool.enqueue(repo.path), 240_000)
  const steps = job.steps.map(({ name, state }) => `${name} ${state}`)
  return { job, steps, log: await pool.log(job.id) }
}

needs('python3').test(
  'a Python repository is built and tested, and a test that fails fails the job',
  async () => {
    const repo = fixture('python-hello')
    const { job, steps, log } = await built(repo)
    expect(job).toMatchObject({ state: 'success', phases: [{ name: 'clone' }, { name: 'plan: python' }] })
    expect(steps).toEqual(['install success', 'test success'])
    expect(log).toMatch(/Ran 2 tests in/)
    repo.commitFiles({ 'hello/__init__.py': 'def greeting(name):\n    return name\n' })
    expect((await built(repo)).job).toMatchObject({ state: 'failed', reason: 'step test: exit 1' })
  },
  300_000,
)

needs('go').test(
  'a Go repository is built and tested, and a test that fails fails the job',
  async () => {
    const repo = fixture('go-hello')
    const { job, steps, log } = await built(repo)
    expect(job).toMatchObject({ state: 'success', phases: [{ name: 'clone' }, { name: 'plan: go' }] })
    expect(steps).toEqual(['vet success', 'build success', 'test success'])
    expect(log).toMatch(/^ok\s+example\.org\/hello\/greeting/m)
    repo.commitFiles({ 'greeting/greeting.go': 'package greeting\n\nfunc For(name string) string { return name }\n' })
    expect((await built(repo)).job).toMatchObject({ state: 'failed', reason: 'step test: exit 1' })
  },
  300_000,
)

test('the recipe ci of a justfile is run; without just it is skipped, and the job says so', async () => {
  const repo = createRepo({ files: { justfile: 'ci word="hello":\n  @echo {{ word }} from just\n', 'package.json': '{' } })
  const [program] = just()
  const bin = mkdtempSync(join(tmpdir(), 'raibid-bin-'))
  if (program) symlinkSync(program, join(bin, 'just'))
  const other = await testPool({ PATH: `${program ? `${bin}:` : ''}${join(process.execPath, '..')}:/usr/bin:/bin` })
  try {
    await other.up('--max', '1')
    const job = await other.ended(await other.enqueue(repo.path))
    if (program) expect([job.state, await other.log(job.id)]).toEqual(['success', expect.stringContaining('hello from just')])
    else expect(job.reason).toBe('nothing was run: every step was skipped (just is not installed)')
  } finally {
    await other.close()
  }
})

/** The `just` that npm installed, where there is one for this machine. */
const just = (): string[] => globSync('node_modules/rust-just*/bin/just', { cwd: root }).map((path) => join(root, path))
