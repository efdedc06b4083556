import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { RefusedError } from '#lib/forge/errors.ts'
import { gitea } from '#lib/forge/gitea.ts'
import { keys } from '#lib/queue/keys.ts'
import { driveStatuses } from '#lib/server/status/drive.ts'
import { startGitServer } from '#test/helpers/git-server.ts'
import { aCommit, aResult, aSpec, roles } from '#test/helpers/queue.ts'
import { giteaApi, giteaRepo, realGitea, withGitea, type GiteaRepo } from '#test/helpers/real-gitea.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const client = gitea(realGitea)

withGitea('the client, by a real Gitea', () => {
  let repo: GiteaRepo
  beforeAll(async () => void (repo = await giteaRepo()))

  test('who we are, and which repository it is', async () => {
    expect(await client.version()).toMatch(/^1\.\d+/)
    expect(await client.user()).toBeTruthy()
    const found = await client.repo(repo)
    expect(found).toMatchObject({ owner: repo.owner, name: 'app', defaultBranch: 'main', mirror: false, empty: false })
    expect(await client.repoById(found.id)).toEqual(found)
    await expect(client.repo({ ...repo, name: 'none' })).rejects.toMatchObject({ status: 404 })
    await expect(gitea({ ...realGitea, token: () => 'wrong' }).user()).rejects.toThrow('does not take our token (401')
  })

  test('every branch, over more than one page', async () => {
    for (let n = 0; n < 60; n++) repo.local.git('branch', `b/${n}`)
    repo.push('refs/heads/*')
    const heads = await client.heads(repo)
    expect(Object.keys(heads)).toHaveLength(61)
    expect(new Set(Object.values(heads))).toEqual(new Set([repo.local.commit]))
  })

  test('a status is kept; one of a commit that is not there is an error that hasCommit explains', async () => {
    const sha = repo.local.commit
    const status = { context: 'raibid-ci/auto', description: 'runs', targetUrl: 'https://ci.example/jobs/1' }
    await client.setStatus(repo, sha, { ...status, state: 'pending' })
    await client.setStatus(repo, sha, { ...status, state: 'error' })
    expect((await client.statuses(repo, sha)).map(({ state }) => state)).toEqual(['error', 'pending'])
    const failure = await client.setStatus(repo, aCommit(1), { ...status, state: 'success' }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(RefusedError)
    expect([await client.hasCommit(repo, sha), await client.hasCommit(repo, aCommit(1))]).toEqual([true, false])
  })

  test('a push that went back is told from one that went on', async () => {
    const first = repo.local.git('rev-parse', 'HEAD').trim()
    const gone = repo.local.commitFiles({ gone: 'gone' })
    repo.push('main')
    repo.local.git('reset', '--hard', '--quiet', first)
    const now = repo.local.commitFiles({ now: 'now' })
    repo.push('main')
    const forward = (before: string) => client.isForward(repo, before, now)
    await waitFor('the push', async () => (await client.heads(repo))['main'] === now)
    expect([await forward(first), await forward(gone), await forward(aCommit(1))]).toEqual([true, false, false])
  })

  test('webhooks of a repository, an organisation and the server; a test delivery comes signed', async () => {
    const got: { signature: string; body: string }[] = []
    const receiver = createServer(
      (request, response) =>
        void (async () => {
          const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
          got.push({ signature: String(request.headers['x-gitea-signature']), body })
          response.end()
        })(),
    ).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const url = `http://127.0.0.1:${(receiver.address() as { port: number }).port}/${randomBytes(4).toString('hex')}`
    const wish = { url, secret: 'one', events: ['push'] }
    for (const where of [repo, { org: repo.owner }, 'system'] as const) {
      const old = await client.createHook(where, wish)
      const { id } = await client.updateHook(where, old.id, { ...wish, secret: 'two', events: ['push', 'create'] })
      const mine = (await client.hooks(where)).filter((hook) => hook.url === url)
      expect(mine).toMatchObject([{ id, active: true, events: expect.toSatisfy((list: string[]) => list.includes('create')) }])
      if (where === repo) {
        await client.testHook(repo, id)
        const { signature, body } = await waitFor('the delivery', () => got[0])
        expect(signature).toBe(createHmac('sha256', 'two').update(body).digest('hex'))
      }
      await client.deleteHook(where, id)
      expect((await client.hooks(where)).filter((hook) => hook.url === url)).toEqual([])
    }
    receiver.closeAllConnections()
    receiver.close()
  })

  test('a mirror of a second git server is brought up to date when it is asked to', async () => {
    const source = createRepo()
    const second = await startGitServer({ root: `${source.path}/..` })
    const clone_addr = `${second.url}/${source.path.split('/').at(-1)}`
    const mirror = { owner: repo.owner, name: 'mirror' }
    await giteaApi('POST', '/repos/migrate', { clone_addr, repo_owner: repo.owner, repo_name: 'mirror', mirror: true })
    expect((await client.repo(mirror)).mirror).toBe(true)
    const sha = source.commitFiles({ 'new.txt': 'new\n' })
    await client.mirrorSync(mirror)
    await waitFor('the new commit', async () => (await client.heads(mirror))['main'] === sha)
    // it is closed to pushes, not to what is said of its commits
    await client.setStatus(mirror, sha, { state: 'success', context: 'c', description: '' })
    await expect(client.mirrorSync(repo)).rejects.toMatchObject({ status: 400 })
    await second.close()
  })
})

withGitea('commit statuses, by a real Gitea', () => {
  let server: TestRedis
  let repo: GiteaRepo
  const control = new AbortController()
  let done: Promise<void>
  beforeAll(async () => {
    ;[server, repo] = await Promise.all([startRedis(), giteaRepo()])
    done = driveStatuses({
      redis: server.client(),
      config: { forges: [{ ...realGitea, aliases: [] }], publicUrl: 'https://ci.example' },
      signal: control.signal,
      say: () => {},
      waits: { first: 50, longest: 500 },
    })
  })
  afterAll(async () => {
    control.abort()
    await done
    await server.stop()
  })
  let queue: ReturnType<typeof roles>
  beforeEach(() => void (queue = roles(server.client())))
  afterEach(async () => expect(await server.client().zcard(keys.status)).toBe(0))
  const nothingOwed = () => waitFor('nothing to be owed', async () => (await server.client().zcard(keys.status)) === 0)

  test('pending, running, the result: on the commit, with a link to the job', async () => {
    const commit = repo.local.commitFiles({ 'a.txt': 'a' })
    repo.push('main')
    const { id } = await queue.jobs.enqueue(aSpec({ repo: repo.cloneUrl, commit }), { report: true })
    await nothingOwed()
    await queue.agent('a').claim('t', 'default')
    await nothingOwed()
    await queue.agent('a').finish(id, 't', aResult({ state: 'failed', reason: 'step test: exit 101' }))
    await nothingOwed()
    const said = (await client.statuses(repo, commit)).map(({ state, description }) => `${state}: ${description}`).toReversed()
    expect(said).toEqual(['pending: waits for an agent', 'pending: runs', 'failure: step test: exit 101'])
    const combined = await giteaApi<{ state: string; statuses: { target_url: string; context: string }[] }>(
      'GET',
      `/repos/${repo.owner}/app/commits/${commit}/status`,
    )
    expect(combined).toMatchObject({
      state: 'failure',
      statuses: [{ target_url: `https://ci.example/jobs/${id}`, context: 'raibid-ci/auto' }],
    })
  })

  test('a commit that is not there, and a repository that is gone, are dropped with the reason', async () => {
    const commits = [aCommit(7), aCommit(8)]
    const repos = [repo.cloneUrl, repo.cloneUrl.replace('/app.git', '/none.git')]
    const ids = []
    for (const [i, commit] of commits.entries())
      ids.push((await queue.jobs.enqueue(aSpec({ repo: repos[i]!, commit }), { report: true })).id)
    await nothingOwed()
    const [first, second] = await queue.reader.jobsOf(ids)
    expect(first!.untold).toMatchObject([{ why: expect.stringContaining('the forge does not have the commit') }])
    expect(second!.untold).toMatchObject([{ why: expect.stringContaining('404') }])
  })
})
