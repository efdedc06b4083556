import { randomUUID } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { clone, CloneError, type CloneOptions } from '#agent/clone.ts'
import { verifyBranch } from '#lib/repo.ts'
import { findMarked } from '#lib/processes.ts'
import { startGitServer, type GitServer, type GitServerOptions } from '#test/helpers/git-server.ts'
import { createRepo, tmpFolder, type TestRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const token = 'ghp_S3cretT0ken'
let root: string
let hello: TestRepo
let second: string
let sha256: TestRepo
let parent: TestRepo

beforeAll(() => {
  root = tmpFolder().path
  hello = createRepo({ path: join(root, 'hello'), files: { 'a.txt': 'one\n' } })
  second = hello.commitFiles({ 'a.txt': 'two\n' })
  hello.commitFiles({ 'a.txt': 'three\n' })
  hello.git('branch', 'side', second)
  sha256 = createRepo({ path: join(root, 'sha256'), format: 'sha256' })
  parent = createRepo({ path: join(root, 'parent') })
  parent.git('submodule', 'add', '--quiet', '../hello', 'lib/hello')
  parent.git('-C', 'lib/hello', 'checkout', '--quiet', second)
  parent.commitFiles({})
})

interface Got {
  dir: string
  output: () => string
  done: Promise<{ commit: string }>
  mark: string
}

function get(options: Partial<CloneOptions> & { repo: string }): Got {
  const { path, remove } = tmpFolder()
  onTestFinished(remove)
  let output = ''
  const onOutput = (text: string): void => void (output += text)
  const dir = join(path, 'ws')
  const mark = randomUUID()
  const signal = new AbortController().signal
  const env = { PATH: process.env['PATH']!, HOME: path }
  const done = clone({ branch: 'main', commit: '', credentials: [], dir, env, mark, signal, onOutput, ...options })
  done.catch(() => {})
  return { dir, done, output: () => output, mark }
}

async function serve(options: Partial<GitServerOptions> = {}): Promise<GitServer> {
  const server = await startGitServer({ root, ...options })
  onTestFinished(() => server.close())
  return server
}

const failure = (done: Promise<unknown>): Promise<CloneError> =>
  done.then(
    () => expect.fail('it cloned'),
    (error: unknown) => (expect(error).toBeInstanceOf(CloneError), error as CloneError),
  )
const historyOf = (dir: string): string[] =>
  execFileSync('git', ['-C', dir, 'log', '--format=%H'], { encoding: 'utf8' }).trim().split('\n')
const filesWith = (dir: string, text: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text))
const fileIn = (dir: string): string => readFileSync(join(dir, 'a.txt'), 'utf8')

describe.each(['http', 'path', 'file'] as const)('over %s', (how) => {
  const base = async (): Promise<string> => (how === 'http' ? (await serve()).url : how === 'path' ? root : `file://${root}`)

  test('the head of a branch, shallow', async () => {
    const { dir, done } = get({ repo: `${await base()}/hello`, branch: 'side' })
    expect(await done).toEqual({ commit: second })
    expect(fileIn(dir)).toBe('two\n')
    expect(historyOf(dir)).toEqual([second])
  })

  test('the default branch', async () => {
    const { dir, done } = get({ repo: `${await base()}/hello`, branch: '' })
    await done
    expect(fileIn(dir)).toBe('three\n')
  })

  test('a commit that no branch stands on, shallow', async () => {
    const { dir, done } = get({ repo: `${await base()}/hello`, commit: hello.commit })
    expect(await done).toEqual({ commit: hello.commit })
    expect(fileIn(dir)).toBe('one\n')
    expect(historyOf(dir)).toEqual([hello.commit])
  })

  test('a submodule by relative URL, at a commit that is not the tip', async () => {
    const { dir, done } = get({ repo: `${await base()}/parent` })
    await done
    expect(fileIn(join(dir, 'lib/hello'))).toBe('two\n')
    expect(historyOf(join(dir, 'lib/hello'))[0]).toBe(second)
  })
})

test('a server that gives out no commit by its id: by the branch, and in the end everything', async () => {
  const { url } = await serve({ protocol: 0 })
  const onBranch = get({ repo: `${url}/hello`, commit: hello.commit })
  expect(await onBranch.done).toEqual({ commit: hello.commit })
  const elsewhere = createRepo({ path: join(root, 'elsewhere') })
  elsewhere.git('checkout', '--quiet', '--orphan', 'other')
  const lonely = elsewhere.commitFiles({ 'a.txt': 'lonely\n' })
  elsewhere.commitFiles({ 'a.txt': 'tip\n' })
  for (const branch of ['main', 'deleted']) {
    const got = get({ repo: `${url}/elsewhere`, branch, commit: lonely })
    expect(await got.done).toEqual({ commit: lonely })
    expect(fileIn(got.dir)).toBe('lonely\n')
  }
  const submodule = get({ repo: `${url}/parent` })
  await submodule.done
  expect(fileIn(join(submodule.dir, 'lib/hello'))).toBe('two\n')
})

test('a repository with SHA-256', async () => {
  const { url } = await serve()
  expect(await get({ repo: `${url}/sha256`, commit: sha256.commit }).done).toEqual({ commit: sha256.commit })
  expect(await get({ repo: `${url}/sha256` }).done).toEqual({ commit: sha256.commit })
})

describe('a private repository', () => {
  const auth = { user: 'ci', token }
  const credential = (host: string) => ({ host, ...auth })

  test('is cloned, submodule included, and the token shows nowhere', async () => {
    const server = await serve({ auth })
    const { dir, done, output } = get({ repo: `${server.url}/parent`, credentials: [credential(server.host)] })
    const seen = new Set<string>()
    let cloning = true
    const watch = (async () => {
      while (cloning) {
        for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
          try {
            seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
          } catch {
            // It has ended.
          }
        }
        await new Promise(setImmediate)
      }
    })()
    await done
    cloning = false
    await watch
    expect([...seen].some((line) => line.includes('fetch') && line.includes('--depth=1'))).toBe(true)
    const encoded = Buffer.from(`ci:${token}`).toString('base64')
    for (const secret of [token, encoded]) {
      expect([...seen].filter((line) => line.includes(secret) && !line.includes('vitest'))).toEqual([])
      expect(output()).not.toContain(secret)
      expect(filesWith(dir, secret)).toEqual([])
    }
  })

  test.for([
    ['no credentials', () => []],
    ['a wrong token', (host: string) => [{ host, user: 'ci', token: 'wrong-token' }]],
    ['those of another port', (host: string) => [credential(host.replace(/\d+$/, '1'))]],
    ['those of another host', (host: string) => [credential(`x${host}`), credential(host.split(':')[0]!)]],
  ] as const)('with %s: refused', async ([, credentials]) => {
    const server = await serve({ auth })
    const { done, output } = get({ repo: `${server.url}/hello`, credentials: credentials(server.host) })
    const { kind, message } = await failure(done)
    expect(kind).toBe('refused')
    expect(message).not.toMatch(/\n|wrong-token|S3cret/)
    expect(output()).not.toMatch(/wrong-token|S3cret/)
    expect(
      server.requests.filter(({ authorization }) =>
        authorization?.includes(Buffer.from('ci:ghp').toString('base64').slice(0, 6)),
      ),
    ).toEqual([])
  })

  test('a redirect to another host does not get the token', async () => {
    const thief = await serve({ auth: { user: 'x', token: 'y' } })
    const server = await serve({
      auth,
      intercept: (request, response) => {
        response.writeHead(302, { location: thief.url + request.url }).end()
        return true
      },
    })
    const { done } = get({ repo: `${server.url}/hello`, credentials: [credential(server.host)] })
    expect((await failure(done)).kind).toBe('refused')
    expect(thief.requests.length).toBeGreaterThan(0)
    expect(thief.requests.filter(({ authorization }) => authorization)).toEqual([])
  })
})

describe('what went wrong', () => {
  const answer = (status: number) => serve({ intercept: (_, response) => (response.writeHead(status).end(), true) })

  test.for([
    [500, 'network'],
    [502, 'network'],
    [503, 'network'],
    [429, 'network'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'missing'],
  ] as const)('HTTP %i: %s', async ([status, kind]) => {
    const { url } = await answer(status)
    expect(await failure(get({ repo: `${url}/hello` }).done)).toMatchObject({
      kind,
      message: expect.stringMatching(/^.{10,300}$/),
    })
  })

  test('nobody listens: network', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    expect(await failure(get({ repo: `http://127.0.0.1:${port}/x` }).done)).toMatchObject({ kind: 'network' })
  })

  test('a name that does not exist: network', async () => {
    const env = { PATH: process.env['PATH']!, no_proxy: '*' }
    expect(await failure(get({ repo: 'http://no-such-host.invalid/x', env }).done)).toMatchObject({ kind: 'network' })
  })

  test('the connection breaks off in the middle: network', async () => {
    const { url } = await serve({
      intercept(request, response) {
        if (request.method !== 'POST') return false
        response
          .writeHead(200, { 'content-type': 'application/x-git-upload-pack-result', 'content-length': '1000' })
          .write('0008NAK\n', () => response.destroy())
        return true
      },
    })
    expect(await failure(get({ repo: `${url}/hello` }).done)).toMatchObject({ kind: 'network' })
  })

  test.for([
    ['a repository over HTTP', 'none', 'main', ''],
    ['a branch', 'hello', 'none', ''],
    ['a commit', 'hello', 'main', 'd'.repeat(40)],
  ] as const)('no such %s: missing', async ([, name, branch, commit]) => {
    const { url } = await serve()
    for (const base of [url, root]) {
      const error = await failure(get({ repo: `${base}/${name}`, branch, commit }).done)
      expect(error).toMatchObject({ kind: 'missing', message: expect.stringMatching(/^.{10,300}$/) })
      if (commit) expect(error.message).toContain(commit)
    }
  })

  test('a folder that is no repository: missing', async () => {
    expect(await failure(get({ repo: tmpFolder().path }).done)).toMatchObject({ kind: 'missing' })
  })
})

describe('hostile input', () => {
  const witness = join(tmpFolder().path, 'executed')

  test.for([
    { branch: `--upload-pack=touch ${witness}` },
    { branch: 'a\nb' },
    { branch: 'a\0b' },
    { commit: `--upload-pack=touch ${witness}` },
    { commit: 'HEAD' },
    { repo: `--upload-pack=touch ${witness}` },
    { repo: `ext::sh -c touch% ${witness}` },
    { repo: `ssh://-oProxyCommand=touch ${witness}/x` },
  ])('%j is refused', async (input) => {
    await expect(get({ repo: root, ...input }).done).rejects.toMatchObject({ name: 'UsageError' })
    expect(existsSync(witness)).toBe(false)
  })

  test('a branch named $(…) is just a name', async () => {
    const branch = `$(touch\${IFS}${witness})`
    hello.git('branch', branch, hello.commit)
    const { done } = get({ repo: join(root, 'hello'), branch })
    expect(await done).toEqual({ commit: hello.commit })
    expect(existsSync(witness)).toBe(false)
  })

  test('a submodule may not be read from this disk when the repository comes from elsewhere, nor by ext', async () => {
    const { url } = await serve()
    for (const [i, address] of [`file://${root}/hello`, join(root, 'hello'), `ext::sh -c "touch ${witness}"`].entries()) {
      const evil = createRepo({ path: join(root, `evil${i}`) })
      evil.git('submodule', 'add', '--quiet', '../hello', 'sub')
      evil.git('config', '--file', '.gitmodules', 'submodule.sub.url', address)
      evil.commitFiles({})
      await failure(get({ repo: `${url}/evil${i}` }).done)
    }
    const { done } = get({ repo: join(root, 'evil2') })
    await failure(done)
    expect(existsSync(witness)).toBe(false)
  })

  test('hooks, filters and .gitmodules commands are not run; symlinks are left alone', async () => {
    const script = { text: `#!/bin/sh\ntouch ${witness}\n`, mode: 0o755 }
    const evil = createRepo({
      path: join(root, 'hooks'),
      files: {
        '.githooks/post-checkout': script,
        '.gitattributes': '* filter=evil\n',
        link: { link: '/etc/passwd' },
        out: { link: '../../..' },
      },
    })
    evil.git('submodule', 'add', '--quiet', '../hello', 'sub')
    evil.git('config', '--file', '.gitmodules', 'submodule.sub.update', `!touch ${witness}`)
    evil.commitFiles({})
    const home = tmpFolder({
      '.gitconfig': '[core]\n\thooksPath = .githooks\n[filter "evil"]\n\tsmudge = touch ' + witness + '\n',
    })
    onTestFinished(home.remove)
    const env = { PATH: process.env['PATH']!, HOME: home.path }
    const { done, dir } = get({ repo: join(root, 'hooks'), env })
    await done.catch(() => {})
    expect(existsSync(witness)).toBe(false)
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true)
  })

  test.for([
    ['.gitmodules as a symlink', '120000', '.gitmodules', witness],
    ['a file in .git', '100755', '.git', '#!/bin/sh'],
  ] as const)('%s is refused', async ([, mode, name, content]) => {
    // git add would refuse it as well, so the tree is made by hand.
    const { path, git } = createRepo()
    const make = (input: string, ...args: string[]): string =>
      execFileSync('git', args, { cwd: path, input, encoding: 'utf8' }).trim()
    const blob = make(content, 'hash-object', '-w', '--stdin')
    const tree = make(`${mode} blob ${blob}\t${name}\n`, 'mktree')
    git('update-ref', 'refs/heads/main', make('', '-c', 'user.name=x', '-c', 'user.email=x@x', 'commit-tree', tree))
    const { done, dir } = get({ repo: path })
    expect(await failure(done)).toMatchObject({ kind: 'unusable', message: expect.stringContaining(name) })
    expect(lstatSync(join(dir, '.gitmodules'), { throwIfNoEntry: false })).toBeUndefined()
  })
})

test('aborted: git is gone at once, and the reason comes out', async () => {
  const { url, requests } = await serve({ intercept: () => new Promise<boolean>(() => {}) })
  const controller = new AbortController()
  const { done, mark } = get({ repo: `${url}/hello`, signal: controller.signal })
  await waitFor('the request', () => requests.length > 0)
  const begin = performance.now()
  controller.abort('cancel')
  await expect(done).rejects.toBe('cancel')
  expect(performance.now() - begin).toBeLessThan(2000)
  expect(findMarked('RAIBID_MARK', mark)).toEqual([])
})

test('verifyBranch agrees with git', () => {
  const isRef = (name: string): boolean => {
    try {
      execFileSync('git', ['check-ref-format', `refs/heads/${name}`], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  const piece = fc.constantFrom(
    ...['a', 'b', '.', '..', '/', '@', '{', '-', '.lock', '~', '^', ':', '?', '*', '[', '\\', ' ', '\t', '\x7f', 'ü'],
  )
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), (parts) => {
      const name = parts.join('')
      fc.pre(!name.startsWith('-') && name !== '@')
      let ours = true
      try {
        verifyBranch(name)
      } catch {
        ours = false
      }
      expect(ours).toBe(isRef(name))
    }),
    { numRuns: 500 },
  )
})
