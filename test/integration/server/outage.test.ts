/** Pushes while `serve` is killed again and again and the forge is away; then a rolling restart. RAIBID_TEST_OUTAGE: jobs and seconds, for a long round. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { keys } from '#lib/queue/keys.ts'
import { reader } from '#lib/queue/reader.ts'
import { isFinal } from '#lib/queue/types.ts'
import { startFakeForge, type FakeForge } from '#test/helpers/fake-forge.ts'
import { startGitServer, type GitServer } from '#test/helpers/git-server.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { pushBody, startServe, type Serve } from '#test/helpers/serve.ts'
import { stepsFile } from '#test/helpers/steps-repo.ts'
import { createRepo, type TestRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const [jobs = 24, seconds = 5] = (process.env['RAIBID_TEST_OUTAGE'] ?? '').split(' ').filter(Boolean).map(Number)
const patience = seconds * 1000 + jobs * 2000 + 30_000

let pool: TestPool
let forge: FakeForge
let git: GitServer
let repo: TestRepo
let port: number
beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'raibid-outage-'))
  repo = createRepo({ path: join(root, 'me/app'), files: stepsFile('echo fine') })
  git = await startGitServer({ root })
  forge = await startFakeForge()
  const config = join(root, 'raibid.yaml')
  writeFileSync(
    config,
    `forges: [{ kind: gitea, url: "${forge.url}", aliases: ["${git.url}"] }]\nrepositories: [{ match: '**', concurrency: queue }]\n`,
  )
  pool = await testPool({ RAIBID_CONFIG: config, RAIBID_GITEA_TOKEN: 'hush' })
  await pool.up('--max', '3')
  port = await freePort()
})
afterAll(async () => {
  await pool.close()
  await git.close()
  await forge.down()
})

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as { port: number }
      server.close(() => resolve(free))
    })
  })
const pushes = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => repo.commitFiles(stepsFile(`exit ${i % 3 === 0 ? 3 : 0} # ${prefix}${i}`)))
const body = (commit: string): string => pushBody({ url: `${git.url}/me/app`, commit, name: 'me/app' })

/** Status of each answer; 0: there was none. */
const delivered = (serve: () => Serve, commit: string): Promise<number> =>
  serve()
    .deliver(body(commit), { id: commit })
    .then(
      ({ status }) => status,
      () => 0,
    )

async function jobsOf(commits: string[]) {
  const redis = pool.client()
  const ids = await redis.zrange(keys.jobs, '0', '-1')
  return (await reader(redis).jobsOf(ids)).filter(({ commit }) => commits.includes(commit))
}

test(`${jobs} pushes, serve killed again and again, the forge away for ${seconds} s`, { timeout: 2 * patience }, async () => {
  const commits = pushes(jobs, 'a')
  let serve = await startServe(pool.env, '--port', String(port))
  onTestFinished(() => void serve.end())
  const accepted = new Set<string>()
  await forge.down()
  const away = Date.now()
  let kills = 0
  for (const [i, commit] of commits.entries()) {
    const answer = delivered(() => serve, commit)
    if (i % 4 === 0) {
      // somewhere between receiving and enqueuing, or between that and the first word to the forge
      await new Promise((resolve) => setTimeout(resolve, i % 7))
      await serve.end('SIGKILL')
      serve = await startServe(pool.env, '--port', String(port))
      kills++
    }
    if ((await answer) >= 200 && (await answer) < 300) accepted.add(commit)
  }
  // who got no answer sends again, as GitHub lets one do; who got one may as well
  for (const commit of commits) expect(await delivered(() => serve, commit)).toBeLessThan(300)
  const all = await waitFor(
    'the end of all jobs',
    async () => {
      const found = await jobsOf(commits)
      return found.length >= jobs && found.every(({ state }) => isFinal(state)) ? found : null
    },
    patience,
  )
  expect(all.map(({ commit }) => commit).toSorted()).toEqual(commits.toSorted())
  expect(kills).toBeGreaterThan(5)
  await waitFor('the outage', () => Date.now() - away > seconds * 1000, patience)
  expect(forge.calls).toEqual([])
  await forge.up()
  const back = Date.now()
  const last = (commit: string): string => forge.said(commit).at(-1) ?? 'nothing'
  await waitFor('nothing to be owed', async () => (await pool.client().zcard(keys.status)) === 0, 120_000)
  const wrong = all.filter(({ commit, state }) => !last(commit).startsWith(state === 'success' ? 'success' : 'failure'))
  expect(wrong.map(({ commit, state }) => `${state}: ${last(commit)}`)).toEqual([])
  expect(all.filter(({ state }) => state === 'failed')).toHaveLength(Math.ceil(jobs / 3))
  process.stderr.write(
    `${jobs} jobs, serve killed ${kills} times, ${accepted.size} answered at first; all told ${Date.now() - back} ms after the forge came back\n`,
  )
})

test('a rolling restart of two instances refuses no delivery', { timeout: 120_000 }, async () => {
  const commits = pushes(30, 'b')
  const both = [await startServe(pool.env), await startServe(pool.env)]
  onTestFinished(async () => void (await Promise.all(both.map((one) => one.end()))))
  let at = 0
  let rolling = true
  const roll = (async () => {
    for (let i = 0; rolling; i = 1 - i) {
      const next = await startServe(pool.env)
      const old = both[i]!
      both[i] = next
      expect(await old.end('SIGTERM')).toBe(0)
    }
  })()
  for (let i = 0; i < commits.length; i += 3) {
    // like a Service, that sends to those that are ready
    const answers = await Promise.all(commits.slice(i, i + 3).map((commit) => delivered(() => both[at++ % 2]!, commit)))
    expect(answers.every((status) => status === 201)).toBe(true)
  }
  rolling = false
  await roll
  const all = await waitFor('all jobs', async () => {
    const found = await jobsOf(commits)
    return found.length >= commits.length ? found : null
  })
  expect(all.map(({ commit }) => commit).toSorted()).toEqual(commits.toSorted())
})
