import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Forge } from '#lib/config.ts'
import { UnreachableError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { listAccount, type ListOptions } from '#lib/forge/listing/list.ts'
import { listById, listOne } from '#lib/forge/listing/one.ts'
import type { Listing } from '#lib/forge/listing/types.ts'
import { json, startFakeForge, type FakeForge } from '#test/helpers/fake-forge.ts'

const secret = 'hush-hush'
let forge: FakeForge
let home: string
beforeEach(async () => {
  forge = await startFakeForge()
  home = mkdtempSync(join(tmpdir(), 'listing-'))
})
afterEach(() => forge.down())

const lister =
  (kind: 'gitlab' | 'gitea') =>
  (name: string, own: Partial<ListOptions> = {}): Promise<Listing> =>
    listAccount({ forge: kind, url: forge.url, name }, { token: secret, home, repeatMs: 20, ...own })
const failure = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => expect.fail('no error'),
    (error: Error) => error,
  )
const names = ({ repos }: Listing) => repos.map(({ owner, name }) => `${owner}/${name}`).toSorted()

describe('GitLab', () => {
  const list = lister('gitlab')
  const project = (id: number, path: string, more: object = {}) => ({
    ...{ id, path: path.split('/').at(-1), path_with_namespace: path, http_url_to_repo: `https://lab.example/${path}.git` },
    ...{ visibility: 'public', archived: false, empty_repo: false, description: null, topics: [], default_branch: 'main' },
    ...more,
  })

  /** Groups and users with their projects, in pages of `per_page`; with Link, total and weak ETags as GitLab has them. */
  function serve(accounts: Record<string, object[]>) {
    forge.intercept = ({ path, headers }, response) => {
      const url = new URL(path, forge.url)
      const [, kind = '', name = ''] = /^\/api\/v4\/(groups|users)\/([^/]+)\/projects$/.exec(url.pathname) ?? []
      const all = accounts[`${kind}/${decodeURIComponent(name)}`]
      if (!all) return (json(response, 404, { message: '404 Group Not Found' }), true)
      const [size, page] = [Number(url.searchParams.get('per_page')), Number(url.searchParams.get('page'))]
      const shown = all.slice((page - 1) * size, page * size)
      const etag = `W/"${Buffer.from(JSON.stringify(shown)).toString('base64').slice(-40)}"`
      if (headers['if-none-match'] === etag) return (response.writeHead(304).end(), true)
      const more = page * size < all.length ? '<https://elsewhere.example/x?page=2>; rel="next", ' : ''
      json(response, 200, shown, {
        etag,
        link: `${more}<https://elsewhere.example/x>; rel="first"`,
        'x-total': String(all.length),
      })
      return true
    }
  }

  test('a group with its subgroups: every field, the owner with all groups', async () => {
    serve({
      'groups/g/sub': [
        project(1, 'g/sub/app'),
        project(2, 'g/sub/deep/tool', {
          ...{
            visibility: 'internal',
            archived: true,
            empty_repo: true,
            description: 'A tool',
            topics: ['ci'],
            default_branch: null,
          },
          forked_from_project: { id: 9 },
        }),
        project(3, 'g/sub/gone-deletion_scheduled-3', { marked_for_deletion_on: '2026-01-01' }),
      ],
    })
    const listing = await list('g/sub')
    expect(listing.repos).toEqual([
      {
        ...{
          forge: 'gitlab',
          forgeUrl: forge.url,
          id: '1',
          owner: 'g/sub',
          name: 'app',
          language: null,
          pushedAt: null,
          bytes: null,
        },
        ...{ cloneUrl: 'https://lab.example/g/sub/app.git', private: false, fork: false, archived: false, empty: false },
        ...{ description: '', topics: [], defaultBranch: 'main' },
      },
      {
        ...{
          forge: 'gitlab',
          forgeUrl: forge.url,
          id: '2',
          owner: 'g/sub/deep',
          name: 'tool',
          language: null,
          pushedAt: null,
          bytes: null,
        },
        ...{ cloneUrl: 'https://lab.example/g/sub/deep/tool.git', private: true, fork: true, archived: true, empty: true },
        ...{ description: 'A tool', topics: ['ci'], defaultBranch: null },
      },
    ])
    const [call] = forge.calls
    expect(call!.path).toBe(
      '/api/v4/groups/g%2Fsub/projects?include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100&page=1',
    )
    expect(call!.headers.authorization).toBe(`Bearer ${secret}`)
    expect(listing).toMatchObject({ requests: 1, warnings: [] })
  })

  test('pages are those of this server, whatever their links say, and cost nothing when they are as they were', async () => {
    serve({ 'groups/g': Array.from({ length: 250 }, (_, n) => project(n, `g/r${n}`)) })
    expect((await list('g')).repos).toHaveLength(250)
    expect(forge.calls).toHaveLength(3)
    expect(await list('g')).toMatchObject({ requests: 3, unchanged: 3, repos: { length: 250 } })
  })

  test('a user, who is no group', async () => {
    serve({ 'users/me': [project(1, 'me/dots')] })
    expect(names(await list('me'))).toEqual(['me/dots'])
    expect((await list('me')).requests).toBe(1)
  })

  test('neither', async () => {
    serve({})
    const error = await failure(list('nobody', { token: null }))
    expect(error.message).toBe(
      `GitLab at ${forge.url} has no group or user called nobody, or shows it only to a token that may see it`,
    )
  })

  test('without a token: that it doesn’t tell everything is told', async () => {
    serve({ 'groups/g': [{ id: 1, path: 'app', path_with_namespace: 'g/app' }] })
    const listing = await list('g', { token: null })
    expect(listing.repos[0]).toMatchObject({ cloneUrl: `${forge.url}/g/app.git`, private: false, archived: false, fork: false })
    expect(listing.warnings).toEqual([expect.stringContaining('does not say which projects are archived or forks')])
    expect(forge.calls[0]!.headers.authorization).toBeUndefined()
  })

  test('a single project by its address, or by its id', async () => {
    const forges: Forge[] = [{ kind: 'gitlab', url: forge.url, aliases: ['https://lab.example'], token: () => secret }]
    forge.intercept = ({ path }, response) => {
      const known = ['/api/v4/projects/g%2Fsub%2Fapp?statistics=true', '/api/v4/projects/7?statistics=true']
      if (known.includes(path)) json(response, 200, project(7, 'g/sub/app', { statistics: { repository_size: 2048 } }))
      else json(response, 404, { message: '404 Project Not Found' })
      return true
    }
    expect(await listOne('git@lab.example:g/sub/app.git', { forges })).toMatchObject({ id: '7', owner: 'g/sub', bytes: 2048 })
    expect(await listById('gitlab', forge.url, '7', { forges })).toMatchObject({ name: 'app' })
    expect(await listById('gitlab', forge.url, '8', { forges })).toBeNull()
  })
})

describe('Gitea', () => {
  const list = lister('gitea')
  const repo = (id: number, name: string, more: object = {}) => ({
    ...{ id, name, owner: { login: 'team' }, clone_url: `https://git.example/team/${name}.git`, private: false, internal: false },
    ...{
      fork: false,
      archived: false,
      empty: false,
      description: '',
      topics: null,
      language: '',
      default_branch: 'main',
      size: 3,
    },
    ...more,
  })

  function serve(all: object[], { most = 50, link = true, kind = 'orgs' } = {}) {
    forge.intercept = ({ path }, response) => {
      const url = new URL(path, forge.url)
      if (!url.pathname.startsWith(`/api/v1/${kind}/team/`)) return (json(response, 404, { message: 'not found' }), true)
      const [size, page] = [Math.min(most, Number(url.searchParams.get('limit'))), Number(url.searchParams.get('page'))]
      const rel = page * size < all.length ? 'next' : 'prev'
      const links: Record<string, string> = link ? { link: `<${url.href}>; rel="${rel}"` } : {}
      json(response, 200, all.slice((page - 1) * size, page * size), { ...links, 'x-total-count': String(all.length) })
      return true
    }
  }

  test('every field', async () => {
    serve([
      repo(1, 'app'),
      repo(2, 'x', { internal: true, fork: true, archived: true, empty: true, topics: ['ci'], language: 'Go' }),
    ])
    const listing = await list('team')
    expect(listing.repos).toEqual([
      {
        ...{
          forge: 'gitea',
          forgeUrl: forge.url,
          id: '1',
          owner: 'team',
          name: 'app',
          language: null,
          pushedAt: null,
          bytes: 3072,
        },
        ...{ cloneUrl: 'https://git.example/team/app.git', private: false, fork: false, archived: false, empty: false },
        ...{ description: '', topics: [], defaultBranch: 'main' },
      },
      expect.objectContaining({ private: true, fork: true, archived: true, empty: true, topics: ['ci'], language: 'Go' }),
    ])
    expect(forge.calls[0]!.path).toBe('/api/v1/orgs/team/repos?limit=50&page=1')
    expect(forge.calls[0]!.headers.authorization).toBe(`token ${secret}`)
    expect(listing.requests).toBe(1)
  })

  test.each([
    ['with links', { link: true }, 3],
    ['without links', { link: false }, 4],
    ['that gives fewer than it is asked for', { link: false, most: 20 }, 8],
  ])('all pages of a server %s', async (_, how, requests) => {
    serve(
      Array.from({ length: 130 }, (_, n) => repo(n, `r${n}`)),
      how,
    )
    const listing = await list('team')
    expect(listing.repos).toHaveLength(130)
    expect(listing.requests).toBe(requests)
  })

  test('a user, who is no organisation', async () => {
    serve([repo(1, 'app')], { kind: 'users' })
    expect(names(await list('team'))).toEqual(['team/app'])
    expect((await list('team')).requests).toBe(1)
  })
})

describe.each(['gitlab', 'gitea'] as const)('%s answers instead of a list', (kind) => {
  const list = lister(kind)
  const title = kind === 'gitlab' ? 'GitLab' : 'Gitea'
  const variable = kind === 'gitlab' ? 'RAIBID_GITLAB_TOKEN' : 'RAIBID_GITEA_TOKEN'
  const answers = (status: number, body: unknown, headers: Record<string, string> = {}, times = Infinity) => {
    let given = 0
    forge.intercept = (_, response) => {
      json(response, given++ < times ? status : 200, given <= times ? body : [], headers)
      return true
    }
  }

  test.each<[number, object, Record<string, string>, string, number]>([
    [401, { message: `bad ${secret}` }, {}, `does not take our token (401: bad ***); give a valid one in ${variable}`, 1],
    [403, { error: 'insufficient_scope' }, {}, '(403: insufficient_scope); give one that may read it', 1],
    [429, { message: 'slow' }, { 'retry-after': '600' }, 'asks us to wait 600 s before we list', 1],
    [500, {}, {}, 'refused to list', 3],
    [502, {}, {}, 'it answers 502', 3],
    [302, {}, { location: 'https://elsewhere.example/' }, 'it has moved to https://elsewhere.example/; give that address', 1],
    [200, { a: 1 }, {}, `its answer is not what ${title} sends`, 1],
  ])('%i %j', async (status, body, headers, words, requests) => {
    answers(status, body, headers)
    const error = await failure(list('team'))
    expect(error instanceof RefusedError || error instanceof UnreachableError).toBe(true)
    expect(error.message).toContain(words)
    expect(error.message).toContain(`${title} at ${forge.url}`)
    expect(JSON.stringify(error) + String(error.stack)).not.toContain(secret)
    expect(forge.calls).toHaveLength(requests)
  })

  test('a limit that is soon over, and a fault that passes', async () => {
    answers(429, {}, { 'retry-after': '1' }, 1)
    expect((await list('team')).requests).toBe(2)
    answers(503, {}, {}, 2)
    expect((await list('other')).requests).toBe(3)
  })

  test('JSON cut short, a broken connection, nobody', async () => {
    forge.intercept = (_, response) => (response.end('[{"id":'), true)
    expect((await failure(list('team'))).message).toContain('its answer is cut short, or no JSON')
    forge.intercept = (_, response) => (response.destroy(), true)
    expect((await failure(list('team'))).message).toContain('the connection broke')
    await forge.down()
    expect((await failure(list('team'))).message).toContain('nothing listens there')
    await forge.up()
  })

  test('told to stop, it stops', async () => {
    const stop = new AbortController()
    forge.intercept = () => (stop.abort(), true)
    expect((await failure(list('team', { signal: stop.signal }))).name).toBe('AbortError')
  })
})
