import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGitServer, type GitServer } from '#test/helpers/git-server.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { pushBody, startServe, type Serve } from '#test/helpers/serve.ts'
import { stepsFile } from '#test/helpers/steps-repo.ts'
import { createRepo, type TestRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
let serve: Serve
let git: GitServer
let [polled, hooked]: TestRepo[] = []
beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'raibid-poll-'))
  polled = createRepo({ path: join(root, 'polled'), files: stepsFile('echo ok') })
  hooked = createRepo({ path: join(root, 'hooked'), files: stepsFile('echo hooked') })
  git = await startGitServer({ root: dirname(polled.path) })
  const config = join(root, 'raibid.yaml')
  writeFileSync(
    config,
    `repositories:\n  - { match: me/polled, url: "${git.url}/polled", poll: 1s, branches: [main] }\n  - { match: "**" }\n`,
  )
  pool = await testPool({ RAIBID_CONFIG: config })
  await pool.up('--max', '2')
  serve = await startServe(pool.env)
})
afterAll(async () => {
  await serve.end()
  await git.close()
  await pool.close()
})

const jobs = async (commit: string): Promise<{ id: string; commit: string; branch: string }[]> =>
  (await serve.json<{ jobs: { id: string; commit: string; branch: string }[] }>('/api/v1/jobs?limit=100')).jobs.filter(
    (one) => one.commit === commit,
  )
const heads = () => pool.client().keys('ci-heads:*')

test('a push is found where no webhook tells of it: what is new, once, on the branches of the policy', async () => {
  await waitFor('the first look', async () => (await heads()).length === 1, 20_000)
  expect(await jobs(polled!.commit)).toEqual([])
  const commit = polled!.commitFiles({ a: 'a' })
  polled!.git('branch', 'topic')
  await waitFor('the job', async () => (await jobs(commit)).length > 0, 20_000)
  const next = polled!.commitFiles({ b: 'b' })
  await waitFor('the next job', async () => (await jobs(next)).length > 0, 20_000)
  expect((await jobs(commit)).map(({ branch }) => branch)).toEqual(['main'])
})

test('a push while serve is down is found when it is back, and what was built is not built again', async () => {
  const url = `${git.url}/hooked`
  const first = hooked!.commitFiles({ a: 'a' })
  expect((await serve.deliver(pushBody({ url, commit: first, name: 'me/hooked' }))).status).toBe(201)
  await waitFor('it to be looked at', async () => (await heads()).length === 2, 30_000)
  await serve.end('SIGKILL')
  const missed = hooked!.commitFiles({ b: 'b' })
  serve = await startServe(pool.env)
  await waitFor('the job', async () => (await jobs(missed)).length > 0, 20_000)
  expect(await jobs(first)).toHaveLength(1)
  expect(await jobs(missed)).toHaveLength(1)
})

test('a push that was found before its webhook came is one job; the same commit pushed later is another', async () => {
  const url = `${git.url}/polled`
  const commit = polled!.commitFiles({ late: 'late' })
  const [first] = await waitFor('the job', async () => {
    const found = await jobs(commit)
    return found.length ? found : null
  })
  await pool.ended(first!.id)
  const body = pushBody({ url, commit, name: 'me/polled' })
  const told = async (id: string) => (await (await serve.deliver(body, { id })).json()) as { outcome: string; job: string }
  expect(await told('one')).toMatchObject({ outcome: 'duplicate', job: first!.id })
  expect(await told('one')).toMatchObject({ outcome: 'duplicate', job: first!.id })
  expect((await told('another')).outcome).toBe('enqueued')
})
