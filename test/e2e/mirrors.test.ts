import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gitea } from '#lib/forge/gitea.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { startHttpProxy, type Fate, type HttpProxy } from '#test/helpers/http-proxy.ts'
import { mirrorWorld, type MirrorWorld } from '#test/helpers/mirror-world.ts'
import { giteaApi, realGitea, realSource, withGitea } from '#test/helpers/real-gitea.ts'

const count = Number(process.env['RAIBID_TEST_MIRRORS'] || 200)
const client = gitea(realGitea)
const at = <T = unknown>(method: string, path: string, body?: unknown): Promise<T> => giteaApi(method, path, body, realSource)

interface Source {
  id: number
  name: string
  clone_url: string
}

/** An organisation at the source, whose repositories are mirrored into one of another name. */
async function stage(proxy: HttpProxy) {
  const org = `s${randomBytes(4).toString('hex')}`
  const owner = `m${org}`
  await at('POST', '/orgs', { username: org })
  const ours = { url: proxy.url, token: realGitea.token() }
  const world = mirrorWorld(ours, realSource)
  world.rules(`mirrors:\n  - org: gitea:${org}@${realSource.url}\n    owner: ${owner}\n    orphans: archive\n    interval: 1h\n`)
  const make = (name: string): Promise<Source> =>
    at('POST', `/orgs/${org}/repos`, { name, auto_init: true, default_branch: 'main', description: `the ${name}` })
  const rename = (name: string, to: string): Promise<unknown> => at('PATCH', `/repos/${org}/${name}`, { name: to })
  const remove = (name: string): Promise<unknown> => at('DELETE', `/repos/${org}/${name}`)
  const sources = async (): Promise<Source[]> => {
    const all: Source[] = []
    for (let page = 1; ; page++) {
      const some = await at<Source[]>('GET', `/orgs/${org}/repos?limit=50&page=${page}`)
      if (!some.length) return all
      all.push(...some)
    }
  }
  const mirrors = async (): Promise<GiteaRepo[]> => client.ownedBy((await client.owner(owner))!.id)
  const idOf = ({ topics }: GiteaRepo): number =>
    Number(
      topics
        .find((topic) => topic.startsWith('rb-gitea-'))
        ?.split('-')
        .at(-1),
    )
  /** Each source has one mirror, of its address and by its name; what is gone is kept, and nothing of a run stays. */
  async function allIsWell(gone: ReadonlySet<number> = new Set()): Promise<void> {
    const all = await mirrors()
    const live = all.filter(({ topics }) => !topics.includes('rb-gone'))
    expect(live.map((one) => `${one.name} ${one.source} ${idOf(one)} ${one.intervalMs}`).toSorted()).toEqual(
      (await sources()).map(({ name, clone_url, id }) => `${name} ${clone_url} ${id} 3600000`).toSorted(),
    )
    const kept = all.filter(({ topics }) => topics.includes('rb-gone'))
    expect(new Set(kept.map(idOf))).toEqual(gone)
    expect(kept.every(({ name, intervalMs }) => name.startsWith('archived-') && intervalMs === 0)).toBe(true)
  }
  return { org, owner, world, make, rename, remove, sources, mirrors, allIsWell }
}

const kinds = (made: { steps: { kind: string; mirror: string }[] }): string[] =>
  made.steps
    .filter(({ kind }) => kind !== 'nothing')
    .map(({ kind, mirror }) => `${kind} ${mirror.split('/')[1]}`)
    .toSorted()

withGitea('mirrors, by a real Gitea', () => {
  let proxy: HttpProxy
  const worlds: MirrorWorld[] = []
  beforeAll(async () => void (proxy = await startHttpProxy(realGitea.url)))
  afterAll(async () => {
    for (const world of worlds) world.remove()
    await proxy.close()
  })
  const set = async () => {
    const made = await stage(proxy)
    worlds.push(made.world)
    return made
  }

  test(`${count} repositories: mirrored, then nothing to do; what changes is mended, and then nothing`, async () => {
    const { org, world, make, rename, remove, allIsWell } = await set()
    const names = Array.from({ length: count }, (_, n) => `r${n}`)
    for (let n = 0; n < names.length; n += 8) await Promise.all(names.slice(n, n + 8).map(make))
    expect(await world.task('rescan')).toMatchObject({ code: 0 })
    await allIsWell()
    let writes = 0
    proxy.fate = ({ method }) => (method === 'GET' || writes++, 'pass' as const)
    expect(kinds(await world.json('rescan'))).toEqual([])
    expect(writes).toBe(0)

    const other = `o${org}`
    await at('POST', '/orgs', { username: other })
    await rename('r1', 'renamed')
    await at('POST', `/repos/${org}/r2/transfer`, { new_owner: other })
    await at('PATCH', `/repos/${org}/r3`, { archived: true })
    const gone = (await at<Source>('GET', `/repos/${org}/r4`)).id
    const moved = (await at<Source>('GET', `/repos/${other}/r2`)).id
    await remove('r4')
    await at('PATCH', `/repos/${org}/r5`, { private: true })
    await rename('r6', 'tmp')
    await rename('r7', 'r6')
    await rename('tmp', 'r7')
    await at('POST', `/repos/${org}/r8/contents/new.txt`, { content: Buffer.from('new').toString('base64') })
    await at('PATCH', `/repos/${org}/r9`, { description: 'in other words' })
    const wanted = [
      'orphan archived-r2',
      'orphan archived-r4',
      'rename r6',
      'rename r7',
      'rename renamed',
      'update r5',
      'update r9',
    ]
    expect(kinds(await world.json('rescan', ['--dry-run']))).toEqual(wanted)
    expect(await world.task('rescan')).toMatchObject({ code: 0 })
    expect(kinds(await world.json('rescan'))).toEqual([])
    await allIsWell(new Set([gone, moved]))
    // what was pushed, or forced, comes with a sync that is waited for
    expect(await world.task('mirrors', ['--check', `^m${org}/r8$`])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('stale'),
    })
    expect(await world.task('mirror-sync', [`^m${org}/r(?:5|8)$`])).toMatchObject({ code: 0 })
    expect(await world.task('mirrors', ['--check', `^m${org}/`])).toMatchObject({ code: 0 })
  }, 900_000)

  test('killed with -9 at every write, before and after it is done: no duplicate, no loss', async () => {
    const { world, make, rename, remove, sources, allIsWell } = await set()
    for (const name of ['a0', 'left', 'right', 'anew']) await make(name)
    expect(await world.task('rescan')).toMatchObject({ code: 0 })
    const gone = new Set<number>()
    let reached = true
    let round = 0
    for (; reached; round++) {
      await rename(`a${round}`, `a${round + 1}`)
      await rename('left', 'tmp')
      await rename('right', 'left')
      await rename('tmp', 'right')
      gone.add((await sources()).find(({ name }) => name === 'anew')!.id)
      await remove('anew')
      await make('anew')
      await make(`new${round}`)
      const when: Fate = round % 2 ? 'lost before' : 'lost after'
      let [writes, dead] = [0, false]
      let kill = (): void => {}
      proxy.fate = ({ method }) => {
        if (dead) return 'lost before'
        if (method === 'GET' || writes++ !== Math.floor(round / 2)) return 'pass'
        dead = true
        kill()
        return when
      }
      const { signal } = await world.task('rescan', [], (child) => (kill = () => void child.kill('SIGKILL')))
      expect(signal).toBe(dead ? 'SIGKILL' : null)
      reached = dead
      proxy.fate = () => 'pass'
      expect(await world.task('rescan', ['--yes'])).toMatchObject({ code: 0 })
      await allIsWell(gone)
    }
    expect(round).toBeGreaterThan(30)
  }, 900_000)
})
