import { afterEach, beforeEach, expect, test } from 'vitest'
import { gitea } from '#lib/forge/gitea.ts'
import { sourceCredential } from '#lib/mirror/place.ts'
import { checkMirror, mustBeSame, syncMirror, type VerifyOptions } from '#lib/mirror/verify.ts'
import { startFakeGitea, type FakeGitea } from '#test/helpers/fake-gitea.ts'
import { mirrorWorld, type MirrorWorld } from '#test/helpers/mirror-world.ts'

let ours: FakeGitea
let source: FakeGitea
let world: MirrorWorld
let options: VerifyOptions
beforeEach(async () => {
  ;[ours, source] = await Promise.all([startFakeGitea(), startFakeGitea()])
  world = mirrorWorld(ours, source)
  source.make('org', 'app', { private: true })
  const { code, stderr } = await world.task('mirror-org', [`gitea:org@${source.url}`, '--owner', 'mirrors', '--private'])
  expect(code, stderr).toBe(0)
  const forges = [ours, source].map(({ url, token }) => ({ kind: 'gitea' as const, url, aliases: [], token: () => token }))
  options = {
    client: gitea(forges[0]!),
    addressOf: ({ owner, name }) => `${ours.url}/${owner}/${name}.git`,
    own: { host: new URL(ours.url).host, user: 'x', token: ours.token },
    credentialFor: (address) => sourceCredential({ forges, git: { credentials: [] } }, address),
    signal: new AbortController().signal,
    withinMs: 20_000,
    lookMs: 50,
  }
})
afterEach(async () => {
  world.remove()
  await Promise.all([ours.close(), source.close()])
})
const mirror = async () => (await options.client.found({ owner: 'mirrors', name: 'app' }))!

test('the same, then behind, then synchronised', async () => {
  expect(await checkMirror(await mirror(), options)).toMatchObject({ state: 'fresh', why: '' })
  const commit = source.push('org', 'app', 'new.txt')
  expect(await checkMirror(await mirror(), options)).toMatchObject({
    state: 'stale',
    why: expect.stringMatching(new RegExp(`^main is \\w{7}, at the source ${commit.slice(0, 7)}$`)),
  })
  expect(await syncMirror(await mirror(), options)).toMatchObject({ state: 'fresh', why: '', ms: expect.any(Number) })
})

test('what is pushed while it is fetched is waited for', async () => {
  source.push('org', 'app', 'one.txt')
  let pushes = 0
  ours.onSync = () => {
    // Gitea fetches before this push, and says so after it
    if (pushes++ === 0) setTimeout(() => source.push('org', 'app', 'two.txt'), 300)
    return 'done'
  }
  source.push('org', 'app', 'three.txt')
  expect(await syncMirror(await mirror(), options)).toMatchObject({ state: 'fresh' })
  expect(await checkMirror(await mirror(), options)).toMatchObject({ state: expect.stringMatching(/fresh|stale/) })
})

test('synchronised by Gitea’s word, and not the same: diverged', async () => {
  source.push('org', 'app', 'new.txt')
  ours.onSync = () => 'said'
  expect(await syncMirror(await mirror(), options)).toMatchObject({ state: 'diverged', why: expect.stringContaining('main is') })
  await expect(mustBeSame({ owner: 'mirrors', name: 'app' }, options)).rejects.toThrow(
    'mirrors/app is not the same as its source: main is',
  )
  expect(await world.task('mirror-sync', ['app'])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/mirrors\/app +diverged .*main is/),
  })
}, 60_000)

test('a source that is gone: failing, with git’s words and no token in them', async () => {
  source.remove('org', 'app')
  const verified = await syncMirror(await mirror(), options)
  expect(verified).toMatchObject({ state: 'failing', why: expect.stringContaining('cannot read the branches of') })
  expect(verified.why).not.toContain(source.token)
  const shown = await world.task('mirror-sync', ['--all'])
  expect(shown).toMatchObject({ code: 1, stdout: expect.stringMatching(/mirrors\/app +failing/) })
  expect(shown.stdout + shown.stderr).not.toContain(source.token)
})

test('a sync that never begins ends in time, and says so', async () => {
  ours.onSync = () => 'waits'
  await expect(syncMirror(await mirror(), { ...options, withinMs: 500 })).rejects.toThrow(
    'Gitea has not synchronised it within 500ms',
  )
  expect(await world.task('mirror-sync', ['app', '--timeout', '1s'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('Gitea has not synchronised it within 1.0s'),
  })
})

test.each([
  [[], 'which mirror? Give a name, a regular expression, or --all'],
  [['app', '--all'], '--all and a name: give one of them'],
  [['(('], 'is no regular expression'],
])('mirror-sync %j', async (args, words) => {
  expect(await world.task('mirror-sync', args)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) })
})

test('a name that no mirror has', async () => {
  expect(await world.task('mirror-sync', ['nobody'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('none of 1 mirrors is called "nobody", or matches it'),
  })
  expect(await world.json('mirrors')).toMatchObject([
    { mirror: 'mirrors/app', state: 'fresh', private: true, mark: expect.stringMatching(/^rb-gitea-/) },
  ])
})
