import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { json } from './fake-forge.ts'
import { serve } from './git-server.ts'
import { createRepo } from './tmp-repo.ts'

const run = promisify(execFile)
const gitEnv = {
  PATH: process.env['PATH']!,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
}

/** A repository of the stand-in, as its API shows it; `remote`: where it is cloned from, with its login. */
export interface FakeRepo {
  id: number
  name: string
  owner: { login: string }
  full_name: string
  private: boolean
  fork: boolean
  mirror: boolean
  empty: boolean
  archived: boolean
  description: string
  topics: string[]
  default_branch: string
  clone_url: string
  original_url: string
  mirror_interval: string
  mirror_updated: string
  mirror_last_sync_at: string
  created_at: string
  size: number
  remote: string
}

export interface GiteaCall {
  method: string
  path: string
  body: any
  authorization: string | undefined
}

/** What happens to a call: nothing special, or the connection is cut before it is done, or after, without an answer. */
export type Fate = 'pass' | 'lost before' | 'lost after' | { status: number; body?: object; headers?: Record<string, string> }

export interface FakeGitea {
  url: string
  token: string
  calls: GiteaCall[]
  repos: FakeRepo[]
  hooks: Map<string, { id: number; config: { url: string }; events: string[]; active: boolean }[]>
  /** Asked before each call of the API. */
  fate: (call: GiteaCall, nth: number) => Fate | Promise<Fate>
  /** Held open before a clone begins. */
  beforeClone: (name: string) => Promise<void>
  /** What becomes of a sync: it is done, only said to be, or not even begun. */
  onSync: (name: string) => 'done' | 'said' | 'waits' | Promise<'done' | 'said' | 'waits'>
  /** An organisation's own repository with one commit. */
  make: (owner: string, name: string, more?: Partial<FakeRepo>) => FakeRepo
  /** As its settings do: what points to the old name is moved on. */
  rename: (owner: string, name: string, to: { owner?: string; name?: string }) => void
  remove: (owner: string, name: string) => void
  /** A commit on its branch main. */
  push: (owner: string, name: string, file: string) => string
  at: (owner: string, name: string) => FakeRepo | undefined
  down: () => Promise<void>
  up: () => Promise<void>
  close: () => Promise<void>
}

const never = '0001-01-01T00:00:00Z'
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** A stand-in for Gitea 1.27.3 as far as mirrors go, with real git behind it: its API, its clones and their remains, its renames and redirects. */
export async function startFakeGitea({ minInterval = 600 }: { minInterval?: number } = {}): Promise<FakeGitea> {
  const root = mkdtempSync(join(tmpdir(), 'raibid-gitea-'))
  const owners = new Map<string, { id: number; kind: 'org' | 'user' }>([['ciadmin', { id: 1, kind: 'user' }]])
  const redirects = new Map<string, number>()
  let server: Server
  let port = 0
  let ids = 100
  let nth = 0
  const folder = (repo: FakeRepo): string => join(root, `${repo.id}.git`)
  const key = (owner: string, name: string): string => `${owner}/${name}`.toLowerCase()

  const add = (owner: string, name: string, more: Partial<FakeRepo>): FakeRepo => {
    const repo: FakeRepo = {
      ...{
        id: ids++,
        name,
        owner: { login: owner },
        full_name: `${owner}/${name}`,
        private: false,
        fork: false,
        mirror: false,
        empty: true,
      },
      ...{ archived: false, description: '', topics: [], default_branch: 'main', clone_url: `${gitea.url}/${owner}/${name}.git` },
      ...{
        original_url: '',
        mirror_interval: '',
        mirror_updated: never,
        mirror_last_sync_at: never,
        created_at: now(),
        size: 0,
        remote: '',
        ...more,
      },
    }
    redirects.delete(key(owner, name))
    gitea.repos.push(repo)
    return repo
  }

  function move(repo: FakeRepo, owner: string, name: string): void {
    redirects.set(key(repo.owner.login, repo.name), repo.id)
    redirects.delete(key(owner, name))
    Object.assign(repo, {
      name,
      owner: { login: owner },
      full_name: `${owner}/${name}`,
      clone_url: `${gitea.url}/${owner}/${name}.git`,
    })
  }

  async function clone(repo: FakeRepo): Promise<string> {
    const part = `${folder(repo)}.part`
    try {
      await gitea.beforeClone(repo.name)
      await run('git', ['clone', '--quiet', '--mirror', repo.remote, part], { env: gitEnv })
    } catch (error) {
      rmSync(part, { recursive: true, force: true })
      return ((error as { stderr?: string }).stderr ?? String(error)).replaceAll(/\/\/[^/@]*@/g, '//')
    }
    renameSync(part, folder(repo))
    const refs = execFileSync('git', ['for-each-ref'], { cwd: folder(repo), encoding: 'utf8' })
    const head = execFileSync('git', ['symbolic-ref', '--short', 'HEAD'], { cwd: folder(repo), encoding: 'utf8' }).trim()
    Object.assign(repo, {
      empty: !refs,
      default_branch: refs ? head : '',
      mirror_interval: '8h0m0s',
      mirror_updated: now(),
      size: 24,
    })
    return ''
  }

  async function sync(repo: FakeRepo): Promise<void> {
    const how = await gitea.onSync(repo.name)
    if (how === 'waits') return
    if (how === 'said') return void Object.assign(repo, { mirror_updated: now(), mirror_last_sync_at: now() })
    await run('git', ['fetch', '--quiet', '--prune', repo.remote, '+refs/*:refs/*'], { cwd: folder(repo), env: gitEnv }).then(
      () => Object.assign(repo, { mirror_updated: now(), mirror_last_sync_at: now(), empty: false }),
      () => Object.assign(repo, { mirror_updated: now() }),
    )
  }

  async function api(call: GiteaCall, response: ServerResponse): Promise<void> {
    const { method, body } = call
    const url = new URL(call.path, gitea.url)
    const path = url.pathname.replace('/api/v1', '')
    const say = (status: number, answer: unknown, headers = {}) => json(response, status, answer, headers)
    const no = (status: number, message: string) => say(status, { message })
    const page = (all: unknown[], wrap = false) => {
      const [n, limit] = [Number(url.searchParams.get('page') ?? 1), Math.min(50, Number(url.searchParams.get('limit') ?? 30))]
      const some = all.slice((n - 1) * limit, n * limit)
      say(200, wrap ? { ok: true, data: some } : some, { 'x-total-count': String(all.length) })
    }
    if (call.authorization !== `token ${gitea.token}`) return no(401, 'invalid token')
    const [, kind, a = '', b = '', what = '', rest = ''] =
      /^\/([a-z]+)(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?(?:\/(.+))?$/.exec(path) ?? []
    if (path === '/version') return say(200, { version: '1.27.3' })
    if (path === '/repos/search') {
      const uid = Number(url.searchParams.get('uid') ?? 0)
      const of = gitea.repos.filter((repo) => (uid ? owners.get(repo.owner.login.toLowerCase())?.id === uid : true))
      return page(url.searchParams.get('mode') === 'mirror' ? of.filter(({ mirror }) => mirror) : of, true)
    }
    if (path === '/orgs' && method === 'POST') {
      if (owners.has(body.username.toLowerCase())) return no(422, 'user already exists')
      owners.set(body.username.toLowerCase(), { id: ids++, kind: 'org' })
      return say(201, { id: 1, username: body.username })
    }
    if (kind === 'users' || kind === 'orgs') {
      const owner = owners.get(a.toLowerCase())
      if (!owner || (kind === 'orgs' && owner.kind !== 'org')) return no(404, 'not found')
      if (b === 'repos') return page(gitea.repos.filter((repo) => repo.owner.login.toLowerCase() === a.toLowerCase()))
      if (b === 'hooks') return hooks(`org ${a.toLowerCase()}`, what)
      return say(200, { id: owner.id, login: a })
    }
    if (path === '/repos/migrate') return migrate()
    if (kind === 'repositories') {
      const repo = gitea.repos.find(({ id }) => id === Number(a))
      return repo ? say(200, repo) : no(404, 'not found')
    }
    const repo = gitea.at(a, b)
    const moved = redirects.get(key(a, b))
    const there = moved === undefined ? undefined : gitea.repos.find(({ id }) => id === moved)
    if (!repo && there) return say(301, undefined, { location: `/api/v1/repos/${there.full_name}` })
    if (!repo) return no(404, 'not found')
    const whole = existsSync(folder(repo))
    if (what === '' && method === 'GET') return say(200, repo)
    if (what === '' && method === 'DELETE') {
      gitea.repos.splice(gitea.repos.indexOf(repo), 1)
      rmSync(folder(repo), { recursive: true, force: true })
      return void response.writeHead(204).end()
    }
    if (what === '' && method === 'PATCH') return patch(repo, whole)
    if (what === 'topics') {
      if (body.topics.some((topic: string) => !/^[a-z0-9][-.a-z0-9]{0,34}$/.test(topic)) || body.topics.length > 25)
        return no(422, 'Topic names are invalid')
      repo.topics = body.topics.toSorted()
      return void response.writeHead(204).end()
    }
    if (what === 'transfer') {
      if (gitea.at(body.new_owner, repo.name)) return no(422, 'repository already exists')
      move(repo, body.new_owner, repo.name)
      return say(202, repo)
    }
    if (what === 'tags') return whole || existsSync(`${folder(repo)}.part`) ? say(200, []) : no(500, 'no such file or directory')
    if (what === 'branches') {
      const lines = whole
        ? execFileSync('git', ['for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads'], {
            cwd: folder(repo),
            encoding: 'utf8',
          })
        : ''
      return page(
        lines
          .split('\n')
          .filter(Boolean)
          .map((line) => ({ name: line.split(' ')[0], commit: { id: line.split(' ')[1] } })),
      )
    }
    if (what === 'hooks') return hooks(key(a, b), rest)
    if (what === 'mirror-sync') {
      if (!repo.mirror) return no(400, 'Repository is not a mirror')
      void sync(repo)
      return say(200, undefined)
    }
    return no(404, 'not found')

    function hooks(place: string, id: string): void {
      const list = gitea.hooks.get(place) ?? []
      if (method === 'GET') return page(list)
      if (method === 'DELETE') {
        gitea.hooks.set(
          place,
          list.filter((hook) => hook.id !== Number(id)),
        )
        return void response.writeHead(204).end()
      }
      const hook = { id: ids++, active: body.active, events: body.events, config: { url: body.config.url } }
      gitea.hooks.set(place, [...list, hook])
      say(201, hook)
    }

    async function migrate(): Promise<void> {
      const { repo_owner, repo_name, clone_addr, auth_username, auth_password } = body
      if (!owners.has(repo_owner.toLowerCase())) return no(422, 'user does not exist')
      if (gitea.at(repo_owner, repo_name)) return no(409, 'The repository with the same name already exists.')
      const remote = auth_password
        ? clone_addr.replace('://', `://${auth_username}:${encodeURIComponent(auth_password)}@`)
        : clone_addr
      const made = add(repo_owner, repo_name, {
        mirror: true,
        private: body.private,
        description: body.description,
        original_url: clone_addr,
        remote,
      })
      const trouble = await clone(made)
      // what is left of it stays, as 1.27.3 leaves it
      const seconds = Number.parseInt(body.mirror_interval)
      if (!trouble && seconds && seconds < minInterval) {
        made.mirror_interval = ''
        return no(500, `interval ${seconds}s is set below Minimum Interval of ${minInterval}s`)
      }
      if (!trouble) made.mirror_interval = `${seconds}s`
      if (trouble) return no(422, `Migration failed: clone error: ${trouble}.`)
      say(201, made)
    }

    function patch(one: FakeRepo, isWhole: boolean): void {
      const { name, mirror_interval, default_branch, ...more } = body
      const seconds = mirror_interval === undefined ? undefined : Number.parseInt(mirror_interval)
      if (seconds !== undefined && !one.mirror_interval) return no(500, 'Mirror does not exist')
      if (seconds && seconds < minInterval) return no(422, `invalid mirror interval: below minimum interval: ${minInterval}s`)
      if (name !== undefined && name !== one.name) {
        const taken = gitea.at(one.owner.login, name)
        if (taken && taken !== one) return no(422, 'repository already exists')
        if (!isWhole) return no(422, 'rename repository directory: no such file or directory')
        move(one, one.owner.login, name)
      }
      Object.assign(one, more)
      if (seconds !== undefined) one.mirror_interval = `${seconds}s`
      if (default_branch !== undefined) {
        const has = execFileSync('git', ['for-each-ref', `refs/heads/${default_branch}`], { cwd: folder(one), encoding: 'utf8' })
        if (has) one.default_branch = default_branch
      }
      say(200, one)
    }
  }

  async function git(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, owner = '', name = '', rest = ''] = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/.*)$/.exec(request.url!) ?? []
    const old = redirects.get(key(owner, name))
    const repo = gitea.at(owner, name) ?? gitea.repos.find(({ id }) => id === old)
    if (!repo || !existsSync(folder(repo))) return void response.writeHead(404).end()
    const [, login = ''] = (request.headers.authorization ?? '').split(' ')
    if (repo.private && !Buffer.from(login, 'base64').toString().endsWith(`:${gitea.token}`))
      return void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="gitea"' }).end()
    request.url = `/${repo.id}.git${rest}`
    await serve(request, response, { root })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '', method = '', headers } = request
    if (!url.startsWith('/api/')) return git(request, response)
    const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
    const call: GiteaCall = { method, path: url, body: text ? JSON.parse(text) : undefined, authorization: headers.authorization }
    gitea.calls.push(call)
    const fate = await gitea.fate(call, nth++)
    if (fate === 'lost before') return void response.destroy()
    if (typeof fate === 'object') return json(response, fate.status, fate.body ?? {}, fate.headers)
    if (fate === 'lost after') response.end = () => response.destroy()
    await api(call, response)
  }

  const gitea: FakeGitea = {
    url: '',
    token: 'a-token-of-the-stand-in',
    calls: [],
    repos: [],
    hooks: new Map(),
    fate: () => 'pass',
    beforeClone: async () => {},
    onSync: () => 'done',
    at: (owner, name) => gitea.repos.find((repo) => key(repo.owner.login, repo.name) === key(owner, name)),
    make(owner, name, more = {}) {
      if (!owners.has(owner.toLowerCase())) owners.set(owner.toLowerCase(), { id: ids++, kind: 'org' })
      const repo = add(owner, name, { empty: false, size: 24, ...more })
      const work = createRepo({ files: { 'README.md': `${owner}/${name}\n` } })
      execFileSync('git', ['clone', '--quiet', '--bare', work.path, folder(repo)], { env: gitEnv })
      rmSync(work.path, { recursive: true })
      return repo
    },
    rename(owner, name, to) {
      const repo = gitea.at(owner, name)!
      if (to.owner && !owners.has(to.owner.toLowerCase())) owners.set(to.owner.toLowerCase(), { id: ids++, kind: 'org' })
      move(repo, to.owner ?? owner, to.name ?? name)
    },
    remove(owner, name) {
      const repo = gitea.at(owner, name)!
      gitea.repos.splice(gitea.repos.indexOf(repo), 1)
      rmSync(folder(repo), { recursive: true, force: true })
    },
    push(owner, name, file) {
      const work = createRepo({ files: { [file]: `${file} ${Math.random()}\n` } })
      // history of its own: a push that is forced
      execFileSync('git', ['fetch', '--quiet', work.path, '+main:main'], { cwd: folder(gitea.at(owner, name)!), env: gitEnv })
      rmSync(work.path, { recursive: true })
      return work.commit
    },
    async down() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    async up() {
      server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      ;({ port } = server.address() as { port: number })
      gitea.url = `http://127.0.0.1:${port}`
    },
    async close() {
      await gitea.down()
      rmSync(root, { recursive: true, force: true })
    },
  }
  await gitea.up()
  return gitea
}
