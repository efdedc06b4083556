/** A push to a real Gitea becomes a build, and its commit says how it went. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { gitea } from '#lib/forge/gitea.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { startGitServer } from '#test/helpers/git-server.ts'
import { giteaApi, giteaRepo, realGitea, withGitea, type GiteaRepo } from '#test/helpers/real-gitea.ts'
import { pushBody, startServe, type Serve } from '#test/helpers/serve.ts'
import { stepsFile } from '#test/helpers/steps-repo.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

withGitea('a push to a real Gitea', () => {
  let pool: TestPool
  let serve: Serve
  let repo: GiteaRepo
  const client = gitea(realGitea)
  const config = join(mkdtempSync(join(tmpdir(), 'raibid-push-')), 'raibid.yaml')

  beforeAll(async () => {
    writeFileSync(config, `forges: [{ kind: gitea, url: ${realGitea.url} }]\npublicUrl: https://ci.example\n`)
    pool = await testPool({
      RAIBID_CONFIG: config,
      RAIBID_GITEA_TOKEN: realGitea.token(),
      RAIBID_WEBHOOK_SECRET: 'a secret of the tests',
    })
    await pool.up('--max', '2')
    serve = await startServe(pool.env)
    repo = await giteaRepo()
  })
  afterAll(async () => {
    await serve.end()
    await pool.close()
  })

  const stateOf = async (commit: string): Promise<string | undefined> => (await client.statuses(repo, commit))[0]?.state
  const jobOf = (commit: string) =>
    waitFor(
      `a job for ${commit}`,
      async () =>
        (await serve.json<{ jobs: { id: string; commit: string }[] }>('/api/v1/jobs?limit=50')).jobs.find(
          (job) => job.commit === commit,
        ),
      20_000,
    )

  test('just hooks, a push, a job, its page, and the status on the commit; a build that fails says so', async () => {
    const first = await pool.task('pool/hooks', repo.cloneUrl, '--url', serve.url)
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('has the webhook now')])
    expect((await pool.task('pool/hooks', repo.cloneUrl, '--url', serve.url)).stderr).toContain('has the webhook already')
    for (const [run, state] of [
      ['echo fine', 'success'],
      ['exit 3', 'failure'],
    ] as const) {
      const commit = repo.local.commitFiles(stepsFile(run), `run ${run}`)
      const begun = Date.now()
      repo.push('main')
      const { id } = await jobOf(commit)
      await pool.ended(id)
      await waitFor('the status on the commit', async () => (await stateOf(commit)) === state, 20_000)
      const [status] = await client.statuses(repo, commit)
      expect(status).toMatchObject({ targetUrl: `https://ci.example/jobs/${id}` })
      expect(Date.now() - begun).toBeLessThan(30_000)
      expect(await (await serve.get(`/jobs/${id}`)).text()).toContain(commit)
    }
  })

  test('a commit that says [skip ci] starts nothing', async () => {
    const before = (await serve.json<{ jobs: unknown[] }>('/api/v1/jobs?limit=100')).jobs.length
    repo.local.commitFiles({ x: 'x' }, 'docs [skip ci]')
    repo.push('main')
    await waitFor('the answer', () => serve.story().includes('its commit says [skip ci]'), 20_000)
    expect((await serve.json<{ jobs: unknown[] }>('/api/v1/jobs?limit=100')).jobs.length).toBe(before)
  })

  test('while serve is down nothing is lost: what became of its jobs is told when it is back', async () => {
    const commit = repo.local.commitFiles(stepsFile('sleep 2; echo late'))
    repo.push('main')
    const { id } = await jobOf(commit)
    await serve.end('SIGKILL')
    await pool.ended(id)
    serve = await startServe(pool.env)
    await waitFor('the status on the commit', async () => (await stateOf(commit)) === 'success', 30_000)
  })

  test('a push to a second git server: Gitea fetches its mirror when it is told, and the mirror’s own push is built', async () => {
    const root = mkdtempSync(join(tmpdir(), 'raibid-source-'))
    const source = createRepo({ path: join(root, 'app'), files: stepsFile('echo one') })
    const git = await startGitServer({ root })
    onTestFinished(() => git.close())
    const owner = `t${randomBytes(4).toString('hex')}`
    await giteaApi('POST', '/orgs', { username: owner })
    const migration = { clone_addr: `${git.url}/app`, repo_owner: owner, repo_name: 'app', mirror: true, mirror_interval: '8h' }
    const { clone_url: mirror } = await giteaApi<{ clone_url: string }>('POST', '/repos/migrate', migration)
    writeFileSync(
      config,
      `forges: [{ kind: gitea, url: ${realGitea.url} }]\npublicUrl: https://ci.example\nrepositories: [{ match: me/app, mirror: ${owner}/app }, { match: '**' }]\n`,
    )
    await serve.end()
    serve = await startServe(pool.env)
    expect((await pool.task('pool/hooks', mirror, '--url', serve.url)).code).toBe(0)
    const commit = source.commitFiles(stepsFile('echo two'))
    // as GitHub tells of it: its repository is the mirror's source
    const told = await serve.deliver(pushBody({ url: 'https://github.com/me/app.git', commit, name: 'me/app' }), { to: 'github' })
    expect(await told.json()).toMatchObject({ outcome: 'sync' })
    const { id } = await jobOf(commit)
    expect((await pool.ended(id)).state).toBe('success')
    const place = { owner, name: 'app' }
    await waitFor('the status', async () => (await client.statuses(place, commit))[0]?.state === 'success', 20_000)
  })
})
