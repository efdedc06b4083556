import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGitServer, type GitServer } from '#test/helpers/git-server.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { pushBody, secret, startServe, type Serve } from '#test/helpers/serve.ts'
import { stepsFile } from '#test/helpers/steps-repo.ts'
import { createRepo, type TestRepo } from '#test/helpers/tmp-repo.ts'

let pool: TestPool
let serve: Serve
let git: GitServer
let repo: TestRepo
let url: string
const config = join(mkdtempSync(join(tmpdir(), 'raibid-hooks-')), 'raibid.yaml')

beforeAll(async () => {
  writeFileSync(
    config,
    `repositories:
  - { match: me/waits, pool: closed, concurrency: cancel-running }
  - { match: me/secret, secrets: [DEPLOY, MISSING] }
  - { match: me/* }
pools: { closed: { max: 1 } }
`,
  )
  pool = await testPool({ RAIBID_CONFIG: config })
  await pool.up('--max', '2')
  await pool.must('pool/pause', 'closed')
  const root = mkdtempSync(join(tmpdir(), 'raibid-git-'))
  repo = createRepo({ path: join(root, 'app'), files: stepsFile('echo "from $RAIBID_BRANCH"; echo "[${DEPLOY-}]"') })
  git = await startGitServer({ root: dirname(repo.path) })
  url = `${git.url}/app`
  serve = await startServe({ ...pool.env, DEPLOY: 'sesame street' })
})
afterAll(async () => {
  await serve.end()
  await git.close()
  await pool.close()
})

const answer = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as { outcome: string; reason: string; job: string; detail: string }),
})
const count = async (): Promise<number> => pool.client().zcard('jobs')

describe('a signed push', () => {
  test('becomes a job that runs; sent again it is the same job', async () => {
    const body = pushBody({ url, commit: repo.commit })
    const first = await answer(await serve.deliver(body, { id: 'one' }))
    expect(first).toMatchObject({ status: 201, outcome: 'enqueued' })
    expect(await pool.ended(first.job)).toMatchObject({ state: 'success', branch: 'main', commit: repo.commit })
    expect(await answer(await serve.deliver(body, { id: 'one' }))).toMatchObject({
      status: 200,
      outcome: 'duplicate',
      job: first.job,
    })
    expect(await count()).toBe(1)
  })

  test('two deliveries of one build at once are one job; both remember it after it has ended', async () => {
    const commit = repo.commitFiles({ b: 'b' })
    const body = pushBody({ url, commit })
    const both = await Promise.all(['two', 'three'].map(async (id) => answer(await serve.deliver(body, { id }))))
    expect(both[0]!.job).toBe(both[1]!.job)
    await pool.ended(both[0]!.job)
    const before = await count()
    for (const id of ['two', 'three'])
      expect(await answer(await serve.deliver(body, { id }))).toMatchObject({ outcome: 'duplicate', job: both[0]!.job })
    expect(await count()).toBe(before)
  })

  test('secrets of the policy come from the environment of serve, sealed and masked; one that is missing is said', async () => {
    const told = await answer(await serve.deliver(pushBody({ url, commit: repo.commit, name: 'me/secret' })))
    expect(told).toMatchObject({
      outcome: 'enqueued',
      reason: expect.stringContaining('without a value for the secret MISSING') as string,
    })
    await pool.ended(told.job)
    expect(await pool.log(told.job)).toContain('[***]')
  })

  test('cancel-running ends an older build of the branch', async () => {
    const told = []
    for (const letter of ['c', 'd']) {
      const commit = repo.commitFiles({ [letter]: letter })
      told.push(await answer(await serve.deliver(pushBody({ url, commit, name: 'me/waits' }))))
    }
    expect(await pool.job(told[0]!.job)).toMatchObject({
      state: 'cancelled',
      reason: expect.stringMatching(/^superseded by/) as string,
    })
    expect(await pool.job(told[1]!.job)).toMatchObject({ state: 'pending' })
  })
})

describe('what is refused', () => {
  test.each<[string, () => Promise<Response>, number]>([
    ['another secret', () => serve.deliver(pushBody({ url, commit: repo.commit }), { key: 'x' }), 401],
    ['no signature', () => serve.deliver(pushBody({ url, commit: repo.commit }), { headers: { 'x-gitea-signature': '' } }), 401],
    ['no id', () => serve.deliver(pushBody({ url, commit: repo.commit }), { id: ' ' }), 400],
    ['a truncated body', () => serve.deliver(pushBody({ url, commit: repo.commit }).slice(0, -9)), 400],
    ['a folder of this machine', () => serve.deliver(pushBody({ url: repo.path, commit: repo.commit })), 400],
    ['a URL that git would misread', () => serve.deliver(pushBody({ url: '--upload-pack=x', commit: repo.commit })), 400],
    ['a branch that git would misread', () => serve.deliver(pushBody({ url, commit: repo.commit, ref: 'refs/heads/-x' })), 400],
    ['100 MB', () => serve.deliver(new Uint8Array(100 * 1024 * 1024)).catch(() => new Response('', { status: 413 })), 413],
  ])('%s: with its status, and no job', async (_, send, status) => {
    const before = await count()
    expect((await send()).status).toBe(status)
    expect(await count()).toBe(before)
  })

  test('it does not listen for others without a secret', async () => {
    const { code, stderr } = await runTask('tasks/pool/serve.ts', ['--host', '0.0.0.0'], {
      env: { ...pool.env, RAIBID_WEBHOOK_SECRET: '' },
    })
    expect([code, stderr]).toEqual([2, expect.stringContaining('set RAIBID_WEBHOOK_SECRET')])
  })

  test('bodies at random: no crash, no job, and not much memory', async () => {
    const before = await count()
    const rss = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${serve.pid}/status`, 'utf8'))![1]) / 1024
    // a folder, whatever becomes of its letter: were it a URL, it could be a build
    const whole = pushBody({ url: 'x', commit: repo.commit })
    const start = rss()
    for (let i = 0; i < 400; i++) {
      const bytes = new Uint8Array(Buffer.from(whole))
      for (let k = 0; k < 1 + (i % 5); k++)
        bytes[Math.floor((((i * 7919 + k * 104_729) % 1000) / 1000) * bytes.length)] = (i * 31 + k * 17) % 256
      await serve.deliver(bytes)
    }
    expect(await count()).toBe(before)
    expect(rss() - start).toBeLessThan(60)
    expect((await serve.get('/healthz')).status).toBe(200)
  })
})

test('killed between receiving and enqueuing: the forge sends again, and there is one job', async () => {
  const own = await startServe({ ...pool.env })
  const body = pushBody({ url, commit: repo.commitFiles({ e: 'e' }) })
  const before = await count()
  process.kill(pool.redisPid(), 'SIGSTOP')
  const lost = own.deliver(body, { id: 'lost' }).then(
    ({ status }) => status,
    () => 'no answer',
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  await own.end('SIGKILL')
  process.kill(pool.redisPid(), 'SIGCONT')
  expect(await lost).toBe('no answer')
  const again = await answer(await serve.deliver(body, { id: 'lost' }))
  await pool.ended(again.job)
  expect(await count()).toBe(before + 1)
})

const recorded = join(import.meta.dirname, '../../../fixtures/webhooks/gitea')
test.each(readdirSync(recorded).filter((name) => name.endsWith('.json')))(
  'what a real Gitea sent is understood: %s',
  async (name) => {
    const { headers, body } = JSON.parse(readFileSync(join(recorded, name), 'utf8')) as {
      headers: Record<string, string>
      body: string
    }
    const event = Object.entries(headers).find(([key]) => key.toLowerCase() === 'x-gitea-event')![1]
    const told = await answer(await serve.deliver(body, { event, key: secret }))
    expect([200, 201], told.detail).toContain(told.status)
    if (/^push|^tag|pull/.test(name)) expect(told.reason + told.outcome).toMatch(/\w/)
  },
)
