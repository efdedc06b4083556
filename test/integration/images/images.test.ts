import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { needs } from '#test/helpers/needs.ts'
import { startOciRegistry } from '#test/helpers/oci-registry.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { runProcess } from '#test/helpers/run-process.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const tools = needs('buildah', 'docker-registry')
let pool: TestPool
let registry: Awaited<ReturnType<typeof startOciRegistry>>
// images of its own; vfs needs no mount, which a crash would leave behind
const folder = mkdtempSync(join(tmpdir(), 'raibid-storage-'))
const storage = { CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf') }
beforeAll(async () => {
  if (tools.missing.length) return
  const [root, run] = [join(folder, 'root'), join(folder, 'run')].map((path) => JSON.stringify(path))
  writeFileSync(storage.CONTAINERS_STORAGE_CONF, `[storage]\ndriver = "vfs"\ngraphroot = ${root}\nrunroot = ${run}\n`)
  registry = await startOciRegistry()
  pool = await testPool({ ...storage, RAIBID_PASS_ENV: 'CONTAINERS_STORAGE_CONF', RAIBID_REGISTRY: registry.url })
  await pool.up('--max', '1')
})
afterAll(async () => {
  await pool?.close()
  await registry?.stop()
})

const emptied = () => runProcess('buildah', ['rmi', '--all', '--force'], { env: storage })
const built = async (...args: string[]) => {
  const id = await pool.enqueue(...args)
  const job = await pool.ended(id, 50_000)
  await waitFor('the end of its agent', () => new RegExp(`${id} attempt \\d+: (.*)`).exec(pool.story()))
  return { id, job, log: await pool.log(id), ended: new RegExp(`${id} attempt \\d+: (.*)`).exec(pool.story())![1]! }
}

tools.test(
  'an image is built, pushed and tagged once its result is accepted; the next build takes layers from the registry',
  async () => {
    const repo = createRepo({
      files: { Dockerfile: 'FROM scratch\nCOPY hello /hello\nCOPY more /more\n', hello: 'hello\n', more: '1\n' },
    })
    const name = `local/${basename(repo.path).toLowerCase()}`
    const first = await built(repo.path)
    expect(first.job, first.log).toMatchObject({ state: 'success', phases: [{ name: 'clone' }, { name: 'plan: dockerfile' }] })
    const digest = await registry.digest(name, repo.commit)
    expect(first.job.steps[0]!.image).toEqual({ name: `${registry.host}/${name}:${repo.commit}`, digest })
    expect(first.ended).toContain('tagged main, latest')
    expect(await registry.tags(name)).toEqual([repo.commit, 'latest', 'main'].sort())
    expect([await registry.digest(name, 'main'), await registry.digest(name, 'latest')]).toEqual([digest, digest])

    await emptied()
    const next = repo.commitFiles({ more: '2\n' })
    const second = await built(repo.path)
    expect(second.log).toContain(`Cache pulled from remote ${registry.host}/${name}/cache`)
    expect(await registry.digest(name, 'latest')).toBe(await registry.digest(name, next))

    // an old commit that is built again, and a fork, move nothing
    expect((await built(repo.path, '--commit', repo.commit, '--key', 'again')).ended).toContain('no tag was moved')
    repo.git('checkout', '--quiet', '-b', 'theirs')
    const theirs = repo.commitFiles({ more: '3\n' })
    const fork = await built(repo.path, 'theirs', '--fork')
    expect([fork.job.state, fork.job.steps[0]!.image]).toEqual(['success', undefined])
    expect(await registry.tags(name)).toEqual([repo.commit, next, 'latest', 'main'].sort())
    expect(await registry.digest(name, 'latest')).toBe(await registry.digest(name, next))
    expect(theirs).toMatch(/^[0-9a-f]{40}$/)
  },
  240_000,
)
