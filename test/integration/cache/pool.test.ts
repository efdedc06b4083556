import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { files } from '#lib/contract.ts'
import type { CacheUse } from '#lib/queue/types.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { createRepo, type Files } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool()
  await pool.up('--max', '1')
})
afterAll(() => pool.close())

const build = 'if test -e out/made; then echo "found $(cat out/made)"; else mkdir out; echo nothing; fi; cat lock > out/made'
const file = (run = build): Files => ({
  '.raibid.yaml': JSON.stringify({ cache: [{ key: ['lock'], paths: ['out'] }], steps: [{ name: 'build', run }] }),
})

async function built(repo: { path: string }, ...flags: string[]) {
  const job = await pool.ended(await pool.enqueue(repo.path, ...flags))
  const uses = job.phases.flatMap(({ cache = [] }) => cache) as CacheUse[]
  await idle()
  return { job, use: uses[0]!, log: await pool.log(job.id) }
}

/** An agent saves after its result is there. */
const idle = () => waitFor('the agent to be gone', () => !existsSync(work()) || readdirSync(work()).length === 0)
const work = () => join(pool.home, files.work)
const list = async (...args: string[]) => JSON.parse(await pool.must('jobs/cache', ...args, '--json')) as Record<string, any>[]

test('miss, hit, and the nearest when the lock file changes; the job says so, and `just cache` lists it', async () => {
  const repo = createRepo({ files: { ...file(), lock: 'one\n' } })
  const first = await built(repo)
  expect([first.job.state, first.use.outcome, first.log]).toEqual(['success', 'miss', expect.stringMatching(/^nothing$/m)])
  const second = await built(repo)
  expect([second.use.outcome, second.log]).toEqual(['hit', expect.stringMatching(/^found one$/m)])
  expect(second.use.bytes).toBeGreaterThan(0)
  expect(second.use.savedMs).toBeGreaterThanOrEqual(0)
  repo.commitFiles({ lock: 'two\n' })
  const near = await built(repo)
  expect([near.use.outcome, near.log]).toEqual(['near', expect.stringMatching(/^found one$/m)])
  const exact = await built(repo)
  expect([exact.use.outcome, exact.log]).toEqual(['hit', expect.stringMatching(/^found two$/m)])

  expect(await list('list', repo.path)).toMatchObject([{ paths: ['out'], uses: 1 }, { uses: 2 }])
  expect(await pool.must('jobs/cache')).toMatch(/^REPOSITORY +PATHS +KEY +SIZE +USED +USES +SAVED\n.* +out +[0-9a-f]{8} /)
  const told = await pool.task('jobs/tail', exact.job.id)
  expect(told.stderr).toMatch(/success \(.*; cache hit, [\d.]+ (bytes|[KM]iB)/)
  expect(await pool.must('jobs/job', exact.job.id)).toMatch(/^cache +success .*out: hit, /m)
})

test('of a fork: it reads, and never writes', async () => {
  const repo = createRepo({ files: { ...file(), lock: 'theirs\n' } })
  expect((await built(repo, '--fork')).use.outcome).toBe('miss')
  expect(await list('list', repo.path)).toEqual([])
  await built(repo)
  const poison = 'cat out/made; echo poison > out/made; echo "cargo $CARGO_HOME npm $npm_config_cache"'
  repo.commitFiles(file(poison))
  const fork = await built(repo, '--fork')
  expect([fork.job.state, fork.use.outcome, fork.log]).toEqual(['success', 'hit', expect.stringMatching(/^theirs$/m)])
  // registries of its own, in a folder that goes with the job
  expect(fork.log).toMatch(new RegExp(`cargo ${work()}/[^ ]+/cargo npm ${work()}/`))
  repo.commitFiles(file())
  expect((await built(repo)).log).toMatch(/^found theirs$/m)
  expect(await list('list', repo.path)).toMatchObject([{ uses: 1 }])
})

test('what fails leaves nothing behind in a cache, and the next hits', async () => {
  const repo = createRepo({ files: { ...file(), lock: 'good\n' } })
  await built(repo)
  repo.commitFiles(file('echo broken > out/made; exit 1'))
  expect((await built(repo)).job.state).toBe('failed')
  repo.commitFiles(file())
  expect((await built(repo)).log).toMatch(/^found good$/m)
})

test('sources are never older than what was cached from others meanwhile', async () => {
  // like make and cargo: what is newer than its source is not made again
  const run = 'mkdir -p out; if test out/made -nt src; then echo fresh; else echo stale; fi; sleep 0.1; cat src > out/made'
  const repo = createRepo({ files: { ...file(run), lock: 'x\n', src: '1' } })
  expect((await built(repo)).log).toMatch(/^stale$/m)
  const { use, log } = await built(repo)
  expect([use.outcome, log]).toEqual(['hit', expect.stringMatching(/^stale$/m)])
})

test.each([
  ['a symlink', 'ln -s /etc out', /no out, or only a symlink/],
  ['behind a symlink', 'mkdir real; ln -s real out; touch real/x', /no out, or only a symlink/],
  ['a pipe', 'mkdir out; mkfifo out/pipe', /out: it holds a socket, a pipe or a device/],
  ['nothing', 'true', /there is no out/],
])('%s in the place of the cache is not saved, and the job says why', async (_, run, why) => {
  const repo = createRepo({ files: { ...file(run), lock: 'x\n' } })
  const { job, use } = await built(repo)
  expect([job.state, use.notSaved]).toEqual(['success', expect.stringMatching(why)])
  expect(await list('list', repo.path)).toEqual([])
})

test('a symlink of the repository where the cache would go, or no key file: refused', async () => {
  const behind = createRepo({ files: { ...file('true'), lock: 'x\n', out: { link: '/tmp' } } })
  expect((await built(behind)).use).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(/^out is in the repository/),
  })
  const linked = createRepo({ files: { ...file('true'), lock: { link: '/etc/passwd' } } })
  expect((await built(linked)).use).toMatchObject({ outcome: 'refused', reason: 'there is no lock' })
})

test('odd names and links inside are kept as they are', async () => {
  const names = `mkdir -p "out/a b" "out/-rf" && printf x > "out/a b/$(printf 'new\\nline')" && printf y > out/-rf/'quo"te' && ln -sfn ../lock out/link && chmod 750 out/-rf`
  const sums = 'cd out && find . -print0 | sort -z | xargs -0 stat -c "%F %a %n" | sha256sum && readlink link'
  const repo = createRepo({ files: { ...file(`${names}; ${sums}`), lock: 'x\n' } })
  const cold = await built(repo)
  repo.commitFiles(file(sums))
  const warm = await built(repo)
  expect([warm.use.outcome, warm.log]).toEqual(['hit', expect.stringContaining(cold.log.match(/^[0-9a-f]{64}.*\n.*$/m)![0])])
})

test('clear takes those of one repository, all only when told; prune keeps what is in use', async () => {
  const repo = createRepo({ files: { ...file(), lock: 'x\n' } })
  await built(repo)
  expect(await list('prune', '--dry-run')).toEqual([])
  expect((await pool.task('jobs/cache', 'clear')).code).toBe(2)
  expect(await list('clear', repo.path, '--dry-run')).toHaveLength(1)
  expect(await list('clear', repo.path)).toHaveLength(1)
  expect(await list('list', repo.path)).toEqual([])
  expect((await built(repo)).use.outcome).toBe('miss')
  expect((await pool.task('jobs/cache', 'bogus')).code).toBe(2)
})
