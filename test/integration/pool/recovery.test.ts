import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { files } from '#lib/contract.ts'
import { startTimeOf } from '#lib/processes.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { counting, stepsRepo } from '#test/helpers/steps-repo.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeEach(async () => {
  pool = await testPool()
})
afterEach(() => pool.close())

/** The redis-servers that work on this pool's data. */
const servers = (): string[] => {
  const folder = realpathSync(join(pool.home, files.redisData))
  return readdirSync('/proc').filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder && startTimeOf(Number(pid)) !== null
    } catch {
      return false
    }
  })
}

describe('the redis-server of a home', () => {
  test('is taken over when its supervisor was killed before it could note it: never a second one on the same files', async () => {
    await pool.up('--max', '1')
    const id = await pool.enqueue(stepsRepo(counting(20)).path)
    await pool.said(id, 'line 2\n')
    process.kill(pool.supervisor()!, 'SIGKILL')
    await waitFor('the supervisor to be gone', () => pool.supervisor() === null)
    rmSync(join(pool.home, files.redisPid))
    await pool.up('--max', '1')
    expect(servers()).toHaveLength(1)
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1 })
    expect(servers()).toEqual([String(pool.redisPid())])
  })

  test('is told by what it is: a noted number that is somebody else by now is neither killed nor adopted', async () => {
    const other = spawn('tail', ['-f', '/dev/null', '--pid', String(process.pid)], { argv0: 'redis-server' })
    mkdirSync(join(pool.home, 'run'), { recursive: true })
    writeFileSync(join(pool.home, files.redisPid), `${other.pid}\n`)
    expect((await pool.task('pool/down')).code).toBe(0)
    await pool.up()
    expect(pool.redisPid()).not.toBe(other.pid)
    await pool.down()
    expect(startTimeOf(other.pid!)).not.toBe(null)
    other.kill()
  })

  test.each(['', 'garbage', 'redis://'])('an address file that holds %j is made anew', async (text) => {
    mkdirSync(join(pool.home, 'run'), { recursive: true })
    writeFileSync(join(pool.home, files.redisUrl), text)
    await pool.up()
    expect(await pool.ended(await pool.enqueue(stepsRepo('true').path))).toMatchObject({ state: 'success' })
  })

  test('works in a home whose name has quotes, blanks and a backslash', async () => {
    const home = join(pool.home, `it's a "home" \\ é`)
    const env = { ...pool.env, RAIBID_HOME: home }
    expect(await runTask('tasks/pool/up.ts', [], { env })).toMatchObject({ code: 0 })
    expect(await runTask('tasks/jobs/queue.ts', [], { env })).toMatchObject({ code: 0 })
    expect(await runTask('tasks/pool/down.ts', [], { env })).toMatchObject({ code: 0 })
  })
})

describe('up and down', () => {
  test('`up` while the pool drains waits for its end and starts it again', async () => {
    await pool.up('--max', '1')
    const id = await pool.enqueue(stepsRepo('echo on; sleep 2').path)
    await pool.said(id, 'on')
    const first = pool.supervisor()
    const down = pool.task('pool/down')
    await waitFor('the drain', () => /"stopping":true/.test(readFileSync(join(pool.home, files.pool), 'utf8')))
    const up = await pool.task('pool/up')
    expect([up.code, up.stderr]).toEqual([0, expect.stringMatching(/is draining: waiting for its end/)])
    expect((await down).code).toBe(0)
    expect(pool.supervisor()).not.toBe(first)
    expect(await pool.ended(await pool.enqueue(stepsRepo('echo next').path))).toMatchObject({ state: 'success' })
  })

  test('`down` while `up` starts takes down a whole pool, not half of one', async () => {
    for (let n = 0; n < 3; n++) {
      const up = pool.task('pool/up')
      const down = await pool.task('pool/down')
      expect([(await up).code, down.code]).toEqual([0, 0])
      await pool.task('pool/down')
      expect(servers()).toEqual([])
    }
  })

  test('with a Redis of somebody else that is not there: exit 3, and `down` has nothing to wait for', async () => {
    const env = { ...pool.env, RAIBID_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
    const up = await runTask('tasks/pool/up.ts', ['--foreground'], { env })
    expect([up.code, up.stderr]).toEqual([3, expect.stringMatching(/cannot reach Redis at redis:\/\/127/)])
    expect((await runTask('tasks/pool/down.ts', [], { env })).code).toBe(0)
  })

  test('`down --now` ends although Redis went away', { timeout: 90_000 }, async () => {
    const port = await freePort()
    const redis = spawn('redis-server', ['--port', String(port), '--save', ''], { stdio: 'ignore' })
    const env = { ...pool.env, RAIBID_REDIS_URL: `redis://127.0.0.1:${port}` }
    await waitFor('Redis', async () => (await runTask('tasks/pool/up.ts', ['--max', '1'], { env })).code === 0)
    redis.kill('SIGKILL')
    expect((await runTask('tasks/pool/down.ts', ['--now'], { env })).code).toBe(0)
  })
})

describe('what a repository does is its own failure', () => {
  test.each([
    ['the workspace deleted', 'steps: [{ run: \'rm -rf "$PWD"\' }, { run: "echo hi" }]\n', /Could not start bash/],
    ['an environment too large', `env: { A: ${'x'.repeat(140_000)} }\nsteps: [{ run: "echo hi" }]\n`, /E2BIG|\.raibid\.yaml/],
  ])('%s: failed, once', async (_, text, reason) => {
    await pool.up('--max', '1')
    const id = await pool.enqueue(createRepo({ files: { '.raibid.yaml': text } }).path)
    expect(await pool.ended(id)).toMatchObject({ state: 'failed', attempt: 1, reason: expect.stringMatching(reason) })
  })

  test('a cancel takes effect although Redis is full and refuses the last lines', async () => {
    await pool.up('--max', '1')
    const id = await pool.enqueue(stepsRepo('while sleep 0.1; do echo hi; done').path)
    await pool.said(id, 'hi')
    await pool.client().config('SET', 'maxmemory', '1mb')
    await pool.must('jobs/cancel', id)
    expect(await pool.ended(id, 10_000)).toMatchObject({ state: 'cancelled' })
    const full = await pool.task('jobs/enqueue', stepsRepo('true').path)
    expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/Redis is full, so nothing was enqueued/)])
  })

  test("enqueue runs nothing that a repository's configuration names, and asks the repository it was given", async () => {
    await pool.up('--max', '1')
    const marker = join(pool.home, 'marker')
    const evil = stepsRepo('true')
    const script = join(pool.home, 'evil.sh')
    writeFileSync(script, `#!/bin/sh\ntouch '${marker}'\nexit 1\n`, { mode: 0o755 })
    for (const setting of ['core.fsmonitor', 'gpg.program', 'remote.evil.uploadpack', 'core.sshCommand'])
      evil.git('config', setting, script)
    for (const [name, value] of [
      ['log.showSignature', 'true'],
      ['remote.evil.url', 'ssh://x/y'],
      ['remote.evil.promisor', 'true'],
      ['extensions.partialClone', 'evil'],
    ] as const)
      evil.git('config', name, value)
    const signed = execFileSync('git', ['-C', evil.path, 'cat-file', 'commit', 'HEAD'], { encoding: 'utf8' }).replace(
      '\n\n',
      '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n',
    )
    const commit = execFileSync('git', ['-C', evil.path, 'hash-object', '-t', 'commit', '-w', '--stdin'], {
      input: signed,
      encoding: 'utf8',
    }).trim()
    await pool.task('jobs/enqueue', evil.path, '--supersede', '--commit', commit)
    await pool.task('jobs/enqueue', evil.path, '--commit', 'd'.repeat(40))
    expect(readdirSync(pool.home)).not.toContain('marker')
    const other = stepsRepo('echo other')
    const asked = await runTask('tasks/jobs/enqueue.ts', [other.path], { env: { ...pool.env, GIT_DIR: join(evil.path, '.git') } })
    expect(await pool.job(asked.stdout.trim())).toMatchObject({ commit: other.commit })
  })
})
