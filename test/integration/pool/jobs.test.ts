import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { counted, stepsRepo, upTo } from '#test/helpers/steps-repo.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool({ MY_SECRET: 's3cr3t-value-42' })
  await pool.up('--max', '2')
})
afterAll(() => pool.close())

const run = async (repo: { path: string }, ...flags: string[]) => pool.ended(await pool.enqueue(repo.path, ...flags))

describe('a job', () => {
  test('sees its variables, the commit it was asked for, and nothing of ours', async () => {
    const repo = stepsRepo('env | sort; git rev-parse HEAD; cat file 2>/dev/null || echo no file')
    const first = repo.commit
    repo.commitFiles({ file: 'new\n' })
    const job = await run(repo, 'main', '--commit', first.slice(0, 10), '--env', 'LEVEL=2 $(touch /tmp/no)')
    expect(job).toMatchObject({ state: 'success', commit: first, branch: 'main' })
    const log = await pool.log(job.id)
    expect(log).toMatch(new RegExp(`^RAIBID_COMMIT=${first}$`, 'm'))
    expect(log).toMatch(/^LEVEL=2 \$\(touch \/tmp\/no\)$/m)
    for (const line of [
      'CI=true',
      `RAIBID_JOB_ID=${job.id}`,
      'RAIBID_BRANCH=main',
      'RAIBID_ATTEMPT=1',
      `RAIBID_REPO=${repo.path}`,
    ])
      expect(log.split('\n')).toContain(line)
    expect(log).toMatch(/no file/)
    expect(log).not.toMatch(/RAIBID_REDIS_URL|RAIBID_HOME|RAIBID_AGENT/)
  })

  test('fails at the step that fails, and says which', async () => {
    const job = await run(stepsRepo('echo one', { name: 'test', run: 'echo two; false | cat; echo never' }, 'echo three'))
    expect(job).toMatchObject({ state: 'failed', reason: 'step test: exit 1', exitCode: 1 })
    expect(job.steps.map(({ name, state, exitCode }) => [name, state, exitCode])).toEqual([
      ['step1', 'success', 0],
      ['test', 'failed', 1],
    ])
    expect(job.phases.map((phase) => phase.name)).toEqual(['clone', 'plan: raibid'])
    const { code, stdout } = await pool.task('jobs/tail', job.id, '--failed')
    expect([code, stdout]).toEqual([1, 'two\n'])
    const told = await pool.task('jobs/tail', job.id)
    const id = job.id.slice(-6)
    expect(told.stderr.trimEnd().split('\n').slice(-6)).toEqual([
      expect.stringMatching(new RegExp(`^✗ job ${id} failed: step test: exit 1`)),
      '  in test:',
      '    two',
      `  just tail ${id} --failed   all that this step put out`,
      `  just retry ${id}           run it again`,
      `  just repro ${id}           a script that does the same on this machine`,
    ])
  })

  test('without a secret that its repository needs fails before any step, and says how to give it; steps for other branches are skipped', async () => {
    const text = 'secrets: [MY_SECRET]\nsteps:\n  - run: "true"\n  - { name: deploy, run: "false", branches: [release/*] }\n'
    const repo = createRepo({ files: { '.raibid.yaml': text } })
    const without = await run(repo)
    expect(without).toMatchObject({ state: 'failed', steps: [] })
    expect(without.reason).toMatch(/^\.raibid\.yaml needs the secret MY_SECRET, .* --secret MY_SECRET$/)
    const given = await run(repo, '--secret', 'MY_SECRET')
    expect(given).toMatchObject({ state: 'success', steps: [{}, { name: 'deploy', state: 'skipped' }] })
    expect(given.steps[1]!.reason).toBe('only on release/*; this is main')
  })

  test('a secret reaches the step, sealed in Redis and masked in the log', async () => {
    const job = await run(
      stepsRepo('echo "secret: $MY_SECRET"; printf %s "$MY_SECRET" | base64; [ ${#MY_SECRET} = 15 ]'),
      '--secret',
      'MY_SECRET',
    )
    expect(job.state).toBe('success')
    expect(await pool.log(job.id)).toMatch(/secret: \*\*\*\n\*\*\*/)
    const redis = pool.client()
    for (const key of await redis.keys('job:*')) {
      const dump =
        (await redis.type(key)) === 'hash'
          ? JSON.stringify(await redis.hgetall(key))
          : JSON.stringify(await redis.xrange(key, '-', '+'))
      expect(dump).not.toContain('s3cr3t')
      expect(dump).not.toContain(Buffer.from('s3cr3t-value-42').toString('base64'))
    }
  })

  test('whose steps were all skipped is not a success', async () => {
    const empty = await testPool({ PATH: `${join(process.execPath, '..')}:${tools()}` })
    await empty.up('--max', '1')
    try {
      const id = await empty.enqueue(
        createRepo({ files: { 'Cargo.toml': '[package]\nname = "x"\nversion = "0.1.0"\n', 'src/lib.rs': '' } }).path,
      )
      expect(await empty.ended(id)).toMatchObject({
        state: 'failed',
        reason: expect.stringMatching(/^nothing was run: every step was skipped \(cargo is not installed/),
      })
    } finally {
      await empty.close()
    }
  })

  test('that nothing says how to build fails, and says what was looked for', async () => {
    const job = await run(createRepo())
    expect(job).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/looked for \.raibid\.yaml, .*package\.json \(node\), .*Cargo\.toml \(rust\)/),
    })
  })

  test('a mistake in .raibid.yaml is told by line and key', async () => {
    const text = 'timeout: 30m\nenv:\n  A: 1\nsteps:\n  - run: echo a\n  - name: b\n    timeout: ten\n    run: echo b\n'
    const job = await run(createRepo({ files: { '.raibid.yaml': text } }))
    expect(job).toMatchObject({ state: 'failed', reason: '.raibid.yaml:7: steps[1].timeout: "ten" is not a duration' })
  })

  test('a log of many lines arrives whole and in order, to whoever reads it live', async () => {
    const id = await pool.enqueue(stepsRepo('seq -f "line %.0f" 200000').path)
    const { code, stdout } = await pool.task('jobs/tail', id)
    expect(code).toBe(0)
    expect(counted(stdout)).toEqual(upTo(200_000))
  })
})

describe('hostile input', () => {
  const marker = '/tmp/raibid-hostile-marker'
  test.each([
    ['a flag for git', [`--upload-pack=touch ${marker}`]],
    ['a substitution', [`$(touch ${marker})`]],
    ['a line break', ['a\nb']],
    ['a parent', ['../../x']],
  ])('as branch: %s: refused with exit 2, nothing run', async (_, branch) => {
    const repo = stepsRepo('echo a')
    const { code, stderr } = await pool.task('jobs/enqueue', '--', repo.path, ...branch)
    expect([1, 2]).toContain(code)
    expect(stderr.split('\n')[0]).toMatch(/branch/i)
    expect(existsSync(marker)).toBe(false)
  })

  test.each([
    ['ext::sh -c "touch /tmp/raibid-hostile-marker"', /ext/],
    ['https://user:hunter2@host/x.git', /RAIBID_GIT_CREDENTIALS/],
    ['--upload-pack=x', /./],
    ['/nowhere/at/all', /not a git repository/],
  ])('as repository: %s', async (repo, message) => {
    const { code, stderr, stdout } = await pool.task('jobs/enqueue', '--', repo)
    expect([1, 2]).toContain(code)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/hunter2/)
    expect(existsSync(marker)).toBe(false)
  })

  test.each([
    ['10 MB', 'steps:\n' + '  - run: echo x\n'.repeat(700_000)],
    [
      'a YAML bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`).join('\n')}\nsteps: *i\n`,
    ],
    ['a symlink', { link: '/etc/passwd' }],
    ['a folder', { folder: true }],
  ] as const)('as .raibid.yaml: %s: a clear refusal', async (_, content) => {
    const repo =
      typeof content === 'object' && 'folder' in content
        ? createRepo({ files: { '.raibid.yaml/x': 'y' } })
        : createRepo({ files: { '.raibid.yaml': content } })
    const job = await run(repo)
    expect(job).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^\.raibid\.yaml|\.raibid\.yaml/) })
    expect(job.reason.length).toBeLessThan(2000)
    expect(await pool.log(job.id)).not.toMatch(/root:/)
  })

  test('a symlink in the repository that leaves the workspace is not followed when the workspace is removed', async () => {
    const outside = join(pool.home, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'kept'), 'kept')
    const job = await run(createRepo({ files: { '.raibid.yaml': 'steps: [{ run: "ls -la" }]\n', link: { link: outside } } }))
    expect(job.state).toBe('success')
    await waitFor('the workspace to be gone', () => !existsSync(join(pool.home, 'work', `${job.agent}-1`)))
    expect(existsSync(join(outside, 'kept'))).toBe(true)
  })

  test('output that would move a cursor or set a title does not reach a terminal, and colours do', async () => {
    const { cleaner } = await import('#lib/cli/terminal.ts')
    const clean = cleaner()
    expect(
      clean('\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[6n\x07ok\n') + clean('split \x1b[3') + clean('2mgreen\x1b[1A\n'),
    ).toBe('\x1b[31mred\x1b[0m ok\nsplit \x1b[32mgreen\n')
  })
})

describe('idempotency', () => {
  test('the same build twice is one job; with another environment it is another', async () => {
    const repo = stepsRepo('sleep 2')
    const first = JSON.parse(await pool.enqueue(repo.path, '--json')) as { id: string; deduplicated: boolean }
    expect(first.deduplicated).toBe(false)
    expect(JSON.parse(await pool.enqueue(repo.path, '--json'))).toEqual({ id: first.id, deduplicated: true })
    expect(await pool.enqueue(repo.path, '--env', 'A=1')).not.toBe(first.id)
  })

  test('an older commit that waits is superseded by a newer one only', async () => {
    const busy = [
      await pool.enqueue(stepsRepo('echo a1; sleep 20').path),
      await pool.enqueue(stepsRepo('echo a2; sleep 20').path),
    ]
    await pool.said(busy[0]!, 'a1')
    await pool.said(busy[1]!, 'a2')
    const repo = stepsRepo('echo x')
    const older = repo.commit
    const newer = repo.git(
      '-c',
      'user.name=x',
      '-c',
      'user.email=x@x',
      'commit',
      '--allow-empty',
      '--quiet',
      '-m',
      'newer',
      '--date=2026-03-01T00:00:00Z',
    )
    expect(newer).toBe('')
    const waiting = await pool.enqueue(repo.path, 'main', '--commit', older)
    const head = await pool.enqueue(repo.path, 'main', '--supersede')
    expect(await pool.job(waiting)).toMatchObject({
      state: 'cancelled',
      reason: expect.stringMatching(/^superseded by [0-9a-f]{7}$/),
    })
    for (const id of [...busy, head]) await pool.must('jobs/cancel', id)
  })
})

/** Folders of the tools that an agent itself needs, without cargo. */
const tools = () => '/usr/bin:/bin'
