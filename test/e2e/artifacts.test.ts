/** Artifacts in the generic packages of a real Gitea. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { giteaStore } from '#lib/artifacts/gitea-store.ts'
import { gitea } from '#lib/forge/gitea.ts'
import { ulid } from '#lib/ulid.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { giteaApi, realGitea, withGitea } from '#test/helpers/real-gitea.ts'
import { createRepo, tmpFolder } from '#test/helpers/tmp-repo.ts'

withGitea('artifacts in the packages of a real Gitea', () => {
  const owner = `t${randomBytes(4).toString('hex')}`
  const { host } = new URL(realGitea.url || 'http://none')
  let pool: TestPool
  let user: string
  beforeAll(async () => {
    await giteaApi('POST', '/orgs', { username: owner })
    user = await gitea(realGitea).user()
    pool = await testPool({
      RAIBID_ARTIFACTS: `${realGitea.url}/${owner}`,
      RAIBID_GIT_CREDENTIALS: `${host}\t${user}\t${realGitea.token()}`,
    })
    await pool.up('--max', '1')
  })
  afterAll(() => pool.close())
  const store = () => giteaStore(`${realGitea.url}/${owner}`, [{ host, user, token: realGitea.token() }])
  const quiet = { signal: new AbortController().signal, leftOut: () => {} }

  test('a job keeps them there, and they come back as they were', async () => {
    const script = `mkdir out; printf odd > 'out/a name%ü.txt'; head -c 5000000 /dev/zero | tr '\\0' x > out/large; touch out/empty; chmod +x out/large`
    const repo = createRepo({ files: { '.raibid.yaml': stringify({ artifacts: ['out'], steps: [{ run: script }] }) } })
    const id = await pool.enqueue(repo.path)
    expect((await pool.ended(id)).state).toBe('success')
    const { path: into, remove } = tmpFolder({})
    onTestFinished(remove)
    const got = await pool.task('jobs/artifacts', id, '--get', '--into', into)
    expect([got.code, got.stderr]).toEqual([0, expect.stringContaining('3 files')])
    expect(readFileSync(join(into, 'out/a name%ü.txt'), 'utf8')).toBe('odd')
    expect(
      createHash('sha256')
        .update(readFileSync(join(into, 'out/large')))
        .digest('hex'),
    ).toBe(createHash('sha256').update('x'.repeat(5_000_000)).digest('hex'))
    expect((await Array.fromAsync(store().places())).map(({ job }) => job)).toContain(id)
  })

  test('a second try of an attempt takes the place of the first; what is removed is gone; a wrong token is said', async () => {
    const { path, remove } = tmpFolder({ a: 'one', b: 'two' })
    onTestFinished(remove)
    const place = { job: ulid(), attempt: 2 }
    await store().put(place, path, ['a', 'b'], quiet)
    expect((await store().put(place, path, ['b'], quiet)).map((one) => one.path)).toEqual(['b'])
    expect((await store().list(place))?.map((one) => one.path)).toEqual(['b'])
    await store().remove(place)
    expect(await store().list(place)).toBeNull()
    const wrong = giteaStore(`${realGitea.url}/${owner}`, [{ host, user, token: 'x'.repeat(40) }])
    await expect(wrong.put(place, path, ['a'], quiet)).rejects.toThrow(/answers 401/)
  })
})
