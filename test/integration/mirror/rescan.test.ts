import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startFakeGitea, type FakeGitea, type GiteaCall } from '#test/helpers/fake-gitea.ts'
import { startGitServer } from '#test/helpers/git-server.ts'
import { mirrorWorld, type MirrorWorld } from '#test/helpers/mirror-world.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'

let ours: FakeGitea
let source: FakeGitea
let world: MirrorWorld
beforeEach(async () => {
  ;[ours, source] = await Promise.all([startFakeGitea(), startFakeGitea()])
  source.token = 'the-token-of-the-source'
  world = mirrorWorld(ours, source)
  for (const name of ['app', 'lib', 'tool']) source.make('org', name, { description: `the ${name}`, topics: ['ci'] })
})
afterEach(async () => {
  world.remove()
  await Promise.all([ours.close(), source.close()])
})

const account = (): string => `gitea:org@${source.url}`
const rules = (more = ''): void => world.rules(`mirrors:\n  - org: ${account()}\n    owner: mirrors\n${more}`)
const isWrite = ({ method, path }: GiteaCall): boolean => method !== 'GET' && !path.includes('mirror-sync')
/** Mirrors by their name: which source, and whether it is marked. */
const mirrors = (): string[] =>
  ours.repos
    .filter(({ mirror }) => mirror)
    .map(({ full_name, original_url }) => `${full_name} ← ${original_url.replace(`${source.url}/`, '')}`)
    .toSorted()
const kinds = (made: { steps: { kind: string; mirror: string }[] }): string[] =>
  made.steps
    .filter(({ kind }) => kind !== 'nothing')
    .map(({ kind, mirror }) => `${kind} ${mirror}`)
    .toSorted()

test('mirror-org creates, saves, and then has nothing to do', async () => {
  const dry = await world.task('mirror-org', [account(), '^(app|lib)$', '--owner', 'mirrors', '--dry-run', '--exit-code'])
  expect(dry).toMatchObject({ code: 1, stderr: expect.stringContaining('2 to create (48.0 KiB); 0 as they should be') })
  expect(dry.stdout).toMatch(/create\s+mirrors\/app\s+24.0 KiB\s+the command line: include \/\^\(app\|lib\)\$\/ matches/)
  expect(ours.calls.filter(isWrite)).toEqual([])

  const first = await world.task('mirror-org', [account(), '^(app|lib)$', '--owner', 'mirrors', '--save'])
  expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(/✓ 2 done in .*\n✓ .*mirrors.yaml: added/) })
  expect(mirrors()).toEqual(['mirrors/app ← org/app.git', 'mirrors/lib ← org/lib.git'])
  expect(ours.at('mirrors', 'app')).toMatchObject({
    description: 'the app',
    private: false,
    topics: ['ci', expect.stringMatching(/^rb-gitea-/)],
  })
  // the token of the source goes in a body, and nowhere else
  const migrate = ours.calls.find(({ path }) => path.endsWith('/repos/migrate'))!
  expect(migrate.body).toMatchObject({ auth_password: source.token, service: 'git' })
  expect(migrate.body.clone_addr).not.toContain('@')
  expect(first.stdout + first.stderr).not.toContain(source.token)

  ours.calls.length = 0
  const again = await world.json('rescan')
  expect(again).toMatchObject({ counts: { create: 0, nothing: 2 }, refusal: null })
  expect(ours.calls.filter(isWrite)).toEqual([])
})

test('what changes at the source is planned as it should be, done, and then done with', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) source.make('org', name)
  rules()
  expect((await world.task('rescan')).code).toBe(0)
  source.rename('org', 'app', { name: 'app2' })
  source.rename('org', 'lib', { owner: 'elsewhere' })
  source.remove('org', 'tool')
  source.at('org', 'a')!.archived = true
  source.at('org', 'b')!.private = true
  source.at('org', 'c')!.description = 'other'
  source.rename('org', 'd', { name: 'tmp' })
  source.rename('org', 'e', { name: 'd' })
  source.rename('org', 'tmp', { name: 'e' })
  source.make('org', 'new')
  source.push('org', 'f', 'forced.txt')
  const plan = await world.json('rescan', ['--dry-run'])
  expect(kinds(plan)).toEqual([
    'create mirrors/new',
    'orphan mirrors/lib',
    'orphan mirrors/tool',
    'rename mirrors/app2',
    'rename mirrors/d',
    'rename mirrors/e',
    'update mirrors/b',
    'update mirrors/c',
  ])
  expect(await world.task('rescan')).toMatchObject({ code: 0 })
  expect(mirrors()).toEqual(
    ['a', 'b', 'c', 'd', 'e', 'f', 'new', 'lib', 'tool']
      .map((name) => `mirrors/${name} ← org/${name}.git`)
      .concat('mirrors/app2 ← org/app2.git')
      .toSorted(),
  )
  expect(ours.at('mirrors', 'b')!.private).toBe(true)
  expect(ours.at('mirrors', 'tool')).toMatchObject({ mirror_interval: '0s', topics: expect.arrayContaining(['rb-gone']) })
  expect(kinds(await world.json('rescan'))).toEqual([])
  // what was forced there is Gitea's to fetch: seen, asked for, and then the same
  expect(await world.task('mirrors', ['--check'])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/mirrors\/f +stale .*main is \w{7}, at the source \w{7}/),
  })
  expect(await world.task('mirror-sync', ['f'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/mirrors\/f +fresh/) })
  expect(await world.task('mirrors', ['--check'])).toMatchObject({ code: 0 })
})

describe('nothing is taken for gone that only could not be seen', () => {
  beforeEach(async () => {
    for (let n = 0; n < 7; n++) source.make('org', `r${n}`)
    rules('  - org: gitea:other@' + source.url + '\n    owner: mirrors\n')
    source.make('other', 'theirs')
    expect((await world.task('rescan')).code).toBe(0)
    ours.calls.length = 0
  })

  test.each([
    [500, 'refused to list the repositories of org'],
    [401, 'does not take our token'],
    [403, 'does not let our token list the repositories of org'],
    [404, 'has no organisation or user called org'],
  ])(
    'a listing that answers %i',
    async (status, words) => {
      source.fate = ({ path }) => (path.includes('/org/repos') ? { status } : 'pass')
      const { code, stderr } = await world.task('rescan')
      expect(code).toBe(1)
      expect(stderr).toContain(words)
      expect(stderr).toContain('nothing is done, for this could not be listed:\nmirrors.yaml:2: gitea:org@')
      expect(ours.calls.filter(isWrite)).toEqual([])
      // the others go on where that is asked for, and nothing is laid aside
      source.make('other', 'new')
      source.remove('other', 'theirs')
      expect(await world.task('rescan', ['--partial'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('1 not listed'),
      })
      expect(mirrors()).toContain('mirrors/new ← other/new.git')
      expect(ours.at('mirrors', 'theirs')!.mirror_interval).toBe('28800s')
    },
    60_000,
  )

  test('more than a fifth at once: refused, until a person says so', async () => {
    for (const name of ['r0', 'r1', 'r2']) source.remove('org', name)
    const { code, stderr } = await world.task('rescan')
    expect(code).toBe(1)
    expect(stderr).toContain('mirrors.yaml:2: 3 of 10 mirrors would lose their source at once (30 %)')
    expect(ours.calls.filter(isWrite)).toEqual([])
    expect((await world.task('rescan', ['--yes'])).code).toBe(0)
    expect(ours.at('mirrors', 'r0')!.mirror_interval).toBe('0s')
  })
})

test('what can’t be mirrored is said in a line each, and the others are', async () => {
  source.make('org', 'App')
  source.repos.at(-1)!.name = 'APP'
  source.make('org', 'x.wiki')
  ours.make('mirrors', 'lib')
  rules()
  const { code, stdout } = await world.task('rescan')
  expect(code).toBe(1)
  expect(stdout).toMatch(/refused +mirrors\/APP .*its mirror would be mirrors\/APP, which is that of .*\/org\/app/)
  expect(stdout).toMatch(/refused +mirrors\/x.wiki .*ends with .wiki, which Gitea keeps for itself/)
  expect(stdout).toMatch(/refused +mirrors\/lib .*mirrors\/lib is in its place and is a repository of its own/)
  expect(mirrors()).toEqual(['mirrors/app ← org/app.git', 'mirrors/tool ← org/tool.git'])
})

test('a clone that fails leaves nothing behind, and keeps no other from being made', async () => {
  rules()
  source.fate = () => 'pass'
  ours.beforeClone = (name) =>
    name === 'lib' ? Promise.reject(Object.assign(new Error(), { stderr: 'fatal: no luck' })) : Promise.resolve()
  const { code, stdout, stderr } = await world.task('rescan')
  expect(code).toBe(1)
  expect(stderr).toContain('mirrors/lib: Gitea at')
  expect(stdout).toMatch(/create +mirrors\/lib .*failed .*fatal: no luck/)
  expect(ours.repos.map(({ name }) => name).toSorted()).toEqual(['app', 'tool'])
  ours.beforeClone = async () => {}
  expect(await world.task('rescan')).toMatchObject({ code: 0, stderr: expect.stringContaining('1 to create') })
})

test('Gitea that is too busy is asked again, and one that is away is named', async () => {
  rules()
  const busy = new Set<string>()
  ours.fate = (call) => {
    const key = `${call.method} ${call.path}`
    if (call.method === 'POST' || busy.has(key)) return 'pass'
    busy.add(key)
    return call.method === 'PUT' ? { status: 503 } : { status: 429, headers: { 'retry-after': '1' } }
  }
  expect(await world.task('rescan')).toMatchObject({ code: 0 })
  expect(mirrors()).toHaveLength(3)
  await ours.down()
  expect(await world.task('mirrors')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(`cannot reach Gitea at ${ours.url}`),
  })
  await ours.up()
}, 90_000)

test('two at once: the second says who is at it', async () => {
  rules()
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  let began = (): void => {}
  const begun = new Promise<void>((resolve) => (began = resolve))
  ours.beforeClone = () => (began(), held)
  const first = world.task('rescan')
  await begun
  const second = await world.task('rescan')
  expect(second).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/another run mirrors into http\S+ just now \(rescan, process \d+ on .* since /),
  })
  go()
  expect(await first).toMatchObject({ code: 0 })
  expect(await world.task('rescan')).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing to do') })
})

test('Ctrl-C stops it cleanly, and the next run goes on', async () => {
  rules()
  let stop = (): void => {}
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  ours.beforeClone = () => (stop(), held)
  const { code, stderr } = await world.task('rescan', [], (child) => (stop = () => void child.kill('SIGINT')))
  expect(code).toBe(130)
  expect(stderr).toMatch(/stopped: 0 done, 3 left; the next run goes on with them/)
  go()
  ours.beforeClone = async () => {}
  expect((await world.task('rescan')).code).toBe(0)
  expect(mirrors()).toHaveLength(3)
  expect(ours.repos.every(({ mirror_interval }) => mirror_interval === '28800s')).toBe(true)
})

test('a single repository of a plain git server, and what Gitea can’t mirror', async () => {
  const work = createRepo()
  const server = await startGitServer({ root: `${work.path}/..` })
  const url = `${server.url}/${work.path.split('/').at(-1)}`
  expect(await world.task('mirror-repo', [url, '--owner', 'mirrors', '--name', 'plain', '--save'])).toMatchObject({ code: 0 })
  expect(ours.at('mirrors', 'plain')).toMatchObject({ mirror: true, topics: [expect.stringMatching(/^rb-git-/)] })
  expect(await world.task('rescan')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('nothing to do; 1 as it should be'),
  })
  await server.close()
  // git can't tell what is gone from what is away
  expect(await world.task('rescan')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read the branches of') })
  expect(await world.task('mirror-repo', ['git@unknown.example:me/app.git'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'Gitea mirrors by http and https only; give its https address, or add its forge to raibid.yaml',
    ),
  })
  expect(await world.task('mirror-repo', ['/tmp'])).toMatchObject({ code: 2 })
  expect(await world.task('mirror-repo', [`${source.url}/org/none`])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no repository'),
  })
})

test('mirror-why and mirror-rm', async () => {
  rules('    exclude: ^tool$\n')
  expect((await world.task('rescan')).code).toBe(0)
  const why = await world.task('mirror-why', ['org/tool'])
  expect(why.stdout).toMatch(/rule +mirrors.yaml:2: exclude \/\^tool\$\/ matches: not mirrored\nmirror +none\nnext +nothing/)
  expect((await world.task('mirror-why', ['mirrors/app'])).stdout).toMatch(
    /rule +mirrors.yaml:2: all of org are taken: mirrored\nmirror +mirrors\/app: fresh, .*\nnext +nothing to do/,
  )
  expect(await world.task('mirror-rm', ['mirrors/app'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('say so with --yes'),
  })
  ours.make('mirrors', 'own')
  expect(await world.task('mirror-rm', ['mirrors/app', 'mirrors/own', '--yes'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('mirrors/own is no mirror'),
  })
  expect(await world.task('mirror-rm', ['mirrors/app', '--yes'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('the next rescan mirrors it anew'),
  })
  expect(ours.at('mirrors', 'app')).toBeUndefined()
})

test('an interval that this Gitea finds too short costs a few clones, not one for each mirror', async () => {
  await ours.close()
  ours = await startFakeGitea({ minInterval: 7200 })
  world.remove()
  world = mirrorWorld(ours, source)
  for (let n = 0; n < 20; n++) source.make('org', `r${n}`)
  rules('    interval: 1h\n')
  const { code, stderr } = await world.task('rescan')
  expect(code).toBe(1)
  expect(stderr).toContain(
    'mirrors/r19: Gitea takes no interval as short as 1h00m ([mirror] MIN_INTERVAL in its app.ini); give a longer one',
  )
  expect(ours.calls.filter(({ path }) => path.endsWith('/repos/migrate')).length).toBeLessThan(9)
  expect(ours.repos).toEqual([])
})
