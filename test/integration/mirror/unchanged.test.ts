import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { markOf } from '#lib/mirror/identity.ts'
import { json, startFakeForge, type FakeForge } from '#test/helpers/fake-forge.ts'
import { startFakeGitHub, type FakeGitHub } from '#test/helpers/fake-github.ts'
import { runTask } from '#test/helpers/run-process.ts'

/** Our Gitea, with a mirror of everything; what would change it is refused. */
async function withMirrorsOf(hub: FakeGitHub): Promise<FakeForge> {
  const gitea = await startFakeForge()
  const mirrors = hub.repos.map(({ id, name }) => ({
    ...{ id, name, owner: { login: 'mirrors' }, mirror: true, private: false, empty: false, archived: false, description: '' },
    ...{ topics: [markOf({ forge: 'github', forgeUrl: hub.url, id: String(id) })], default_branch: 'main', size: 10 },
    ...{ clone_url: `${gitea.url}/mirrors/${name}.git`, original_url: `${hub.url}/myorg/${name}.git`, mirror_interval: '8h0m0s' },
    ...{
      created_at: '2026-01-01T00:00:00Z',
      mirror_updated: '2026-01-02T00:00:00Z',
      mirror_last_sync_at: '2026-01-02T00:00:00Z',
    },
  }))
  gitea.intercept = ({ method, path }, response) => {
    const url = new URL(path, gitea.url)
    const page = Number(url.searchParams.get('page'))
    if (method !== 'GET') json(response, 403, { message: 'nothing is to be written' })
    else if (url.pathname === '/api/v1/repos/search')
      json(
        response,
        200,
        { ok: true, data: mirrors.slice((page - 1) * 50, page * 50) },
        { 'x-total-count': String(mirrors.length) },
      )
    else json(response, 200, { id: 7, username: 'mirrors' })
    return true
  }
  return gitea
}

test('a rescan of 1,000 repositories that have not changed: a conditional request a page, and nothing is written', async () => {
  const hub = await startFakeGitHub()
  hub.accounts.set('myorg', 'org')
  hub.tokens.set('t', { login: 'me' })
  for (let n = 1; n <= 1000; n++) hub.add('myorg', `r${n}`)
  const gitea = await withMirrorsOf(hub)
  const home = mkdtempSync(join(tmpdir(), 'unchanged-'))
  writeFileSync(join(home, 'token'), 't\n', { mode: 0o600 })
  const forges = `forges:\n  - { kind: gitea, url: '${gitea.url}' }\n  - { kind: github, url: '${hub.url}', tokenFile: '${join(home, 'token')}' }\n`
  writeFileSync(join(home, 'raibid.yaml'), forges)
  writeFileSync(join(home, 'mirrors.yaml'), `mirrors:\n  - org: github:myorg@${hub.url}\n    owner: mirrors\n`)
  const env = {
    ...{ RAIBID_HOME: join(home, 'home'), RAIBID_CONFIG: join(home, 'raibid.yaml'), RAIBID_MIRRORS: join(home, 'mirrors.yaml') },
    ...{ RAIBID_GITEA_TOKEN: 't', RAIBID_GITHUB_TOKEN: '' },
  }
  const rescan = () => runTask('tasks/mirror/rescan.ts', [], { env })
  expect(await rescan()).toMatchObject({ code: 0, stderr: expect.stringContaining('1000') as string })
  hub.calls.length = gitea.calls.length = 0
  hub.answered = {}
  const listings = join(home, 'home/mirrors/listings')
  const kept = () => readdirSync(listings).map((file) => statSync(join(listings, file), { bigint: true }).ctimeNs)
  const before = kept()
  expect(await rescan()).toMatchObject({ code: 0 })
  expect(hub.calls.length).toBeLessThanOrEqual(12)
  expect(hub.calls.every(({ method, headers }) => method === 'GET' && headers['if-none-match'])).toBe(true)
  expect(hub.answered).toEqual({ 304: hub.calls.length })
  expect(gitea.calls.filter(({ method }) => method !== 'GET')).toEqual([])
  expect(kept()).toEqual(before)
  await hub.down()
  await gitea.down()
})
