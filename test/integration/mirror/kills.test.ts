import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeGitea, type FakeGitea, type GiteaCall } from '#test/helpers/fake-gitea.ts'
import { mirrorWorld, type MirrorWorld } from '#test/helpers/mirror-world.ts'

let ours: FakeGitea
let source: FakeGitea
let world: MirrorWorld
beforeAll(async () => {
  ;[ours, source] = await Promise.all([startFakeGitea(), startFakeGitea()])
  world = mirrorWorld(ours, source)
  world.rules(`mirrors:\n  - org: gitea:org@${source.url}\n    owner: mirrors\n    orphans: archive\n    interval: 1h\n`)
})
afterAll(async () => {
  world.remove()
  await Promise.all([ours.close(), source.close()])
})

const isWrite = ({ method }: GiteaCall): boolean => method !== 'GET'

/** A run that is killed with -9 at its `at`th write, before Gitea has heard of it or after it was done; whether it came so far. */
async function killedAt(at: number, when: 'lost before' | 'lost after'): Promise<boolean> {
  let kill = (): void => {}
  let writes = 0
  let dead = false
  ours.fate = (call) => {
    // who is dead sends nothing more, but for what was on its way
    if (dead) return 'lost before'
    if (!isWrite(call) || writes++ !== at) return 'pass'
    dead = true
    kill()
    return when
  }
  const { signal } = await world.task('rescan', [], (child) => (kill = () => void child.kill('SIGKILL')))
  ours.fate = () => 'pass'
  expect(signal).toBe(dead ? 'SIGKILL' : null)
  return dead
}

/** Every source that is there has one mirror, by its name, of its address; nothing of a run stays, and what is gone is kept. */
async function allIsWell(gone: ReadonlySet<number>): Promise<void> {
  const mend = await world.task('rescan', ['--yes'])
  expect(mend.code, mend.stderr).toBe(0)
  const wanted = source.repos.map(({ name, clone_url, id }) => [`mirrors/${name}`, clone_url, id])
  const live = ours.repos.filter(({ topics }) => !topics.includes('rb-gone'))
  const idOf = (topics: string[]): number =>
    Number(
      topics
        .find((topic) => topic.startsWith('rb-gitea-'))!
        .split('-')
        .at(-1),
    )
  expect(live.map((repo) => [repo.full_name, repo.original_url, idOf(repo.topics)]).toSorted()).toEqual(wanted.toSorted())
  expect(live.map(({ mirror_interval }) => mirror_interval).every((interval) => interval === '3600s')).toBe(true)
  const kept = ours.repos.filter(({ topics }) => topics.includes('rb-gone'))
  expect(new Set(kept.map(({ topics }) => idOf(topics)))).toEqual(gone)
  expect(kept.every(({ name, mirror_interval }) => name.startsWith('archived-') && mirror_interval === '0s')).toBe(true)
}

test('killed at every write: created, renamed, swapped, moved, laid aside and made anew, the next run mends it', async () => {
  for (const name of ['a0', 'left', 'right', 'anew']) source.make('org', name)
  expect((await world.task('rescan')).code).toBe(0)
  const gone = new Set<number>()
  let reached = true
  let rounds = 0
  for (; reached; rounds++) {
    source.rename('org', `a${rounds}`, { name: `a${rounds + 1}` })
    source.rename('org', 'left', { name: 'tmp' })
    source.rename('org', 'right', { name: 'left' })
    source.rename('org', 'tmp', { name: 'right' })
    gone.add(source.at('org', 'anew')!.id)
    source.remove('org', 'anew')
    source.make('org', 'anew')
    source.make('org', `new${rounds}`)
    reached = await killedAt(rounds, rounds % 2 ? 'lost before' : 'lost after')
    await allIsWell(gone)
  }
  // every kind of step was cut: a change in what is done would show here
  expect(rounds).toBeGreaterThan(15)
}, 300_000)

test('killed while Gitea clones: the next run waits for that clone, and makes no second', async () => {
  source.make('org', 'slow')
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  let kill = (): void => {}
  ours.beforeClone = () => (kill(), held)
  const killed = await world.task('rescan', [], (child) => (kill = () => void child.kill('SIGKILL')))
  expect(killed.signal).toBe('SIGKILL')
  ours.calls.length = 0
  setTimeout(go, 3000)
  ours.beforeClone = async () => {}
  // the folder of the clone is there from its begin
  ours.fate = ({ path }) =>
    path.includes('/slow/tags') && !ours.at('mirrors', 'slow')!.mirror_interval ? { status: 200, body: [] } : 'pass'
  const next = await world.task('rescan', ['--yes'])
  expect(next).toMatchObject({ code: 0, stderr: expect.stringContaining('1 to create') })
  expect(ours.calls.filter(({ path }) => path.endsWith('/repos/migrate'))).toEqual([])
  expect(ours.at('mirrors', 'slow')).toMatchObject({ mirror_interval: '3600s', topics: [expect.stringMatching(/^rb-gitea-/)] })
  ours.fate = () => 'pass'
}, 60_000)

test('killed while Gitea clones, and that clone fails: what is left goes, and it is cloned anew', async () => {
  source.make('org', 'unlucky')
  let kill = (): void => {}
  ours.beforeClone = () => (kill(), Promise.reject(Object.assign(new Error(), { stderr: 'fatal: the machine was too small' })))
  const killed = await world.task('rescan', [], (child) => (kill = () => void child.kill('SIGKILL')))
  expect(killed.signal).toBe('SIGKILL')
  expect(ours.at('mirrors', 'unlucky')).toMatchObject({ mirror: true, mirror_interval: '' })
  const first = ours.at('mirrors', 'unlucky')!.id
  ours.beforeClone = async () => {}
  expect(await world.task('rescan', ['--yes'])).toMatchObject({ code: 0 })
  expect(ours.at('mirrors', 'unlucky')).toMatchObject({
    mirror_interval: '3600s',
    id: expect.not.toSatisfy((id: number) => id === first),
  })
}, 60_000)
