import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checksumOf, digestOf } from '#lib/cluster/registry.ts'
import { images, releases } from '#lib/cluster/releases.ts'
import { digest, startRegistry, type RegistryOptions } from '#test/helpers/registry.ts'
import { runTask } from '#test/helpers/run-process.ts'

let server: Awaited<ReturnType<typeof startRegistry>>
let file: string
const start = async (options: RegistryOptions) => (server = await startRegistry(options))
const redis = '/v2/library/redis/manifests/8.8.2'
const debian = `/v2/library/debian/manifests/${images[0].split(':')[1]}`
const dead = 'http://127.0.0.1:1'
/** Nothing of a test may go out, whatever the network is. */
const pin = (mirrors: Record<string, string>, ...args: string[]) => {
  const all = { 'docker.io': dead, 'ghcr.io': dead, 'github.com': dead, 'nvcr.io': dead, ...mirrors }
  return runTask('tasks/cluster/pin.ts', [
    '--out',
    file,
    ...Object.entries(all).flatMap((pair) => ['--mirror', pair.join('=')]),
    ...args,
  ])
}
const written = () =>
  JSON.parse(readFileSync(file, 'utf8')) as { images: Record<string, string>; releases: Record<string, string> }

beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'pin-')), 'pins.json')
})
afterEach(() => server?.close())

describe('just pin', () => {
  test('records what it was told, with a token where one is asked for, and names what it could not ask', async () => {
    const release = new URL(releases[0]).pathname
    await start({
      content: { [redis]: 'index of redis', [debian]: 'index of debian', [release]: 'kind: Namespace' },
      token: 'let-me',
    })
    const { code, stdout, stderr } = await pin({ 'docker.io': server.url, 'github.com': server.url })
    expect(code).toBe(0)
    expect(written()).toEqual({
      images: { [images[0]]: digest('index of debian'), 'docker.io/library/redis:8.8.2': digest('index of redis') },
      releases: { [releases[0]]: digest('kind: Namespace') },
    })
    expect(server.requests).toContain('GET /token?service=registry.test&scope=repository%3Alibrary%2Fredis%3Apull')
    expect(stdout).toMatch(/keda:2\.20\.2 +NOT PINNED: 127\.0\.0\.1:1 can't be reached/)
    expect(stdout).toMatch(/sha256sum-arm64\.txt +NOT PINNED: github\.com answers 404/)
    expect(stderr).toMatch(/could not be asked/)
  })

  test('what was known stays while it cannot be asked; what changed is said', async () => {
    await start({ content: { [redis]: 'one' } })
    await pin({ 'docker.io': server.url })
    const before = written()
    await server.close()
    await start({ content: { [debian]: 'two' } })
    const { stdout } = await pin({ 'docker.io': server.url })
    expect(written().images).toEqual({ ...before.images, [images[0]]: digest('two') })
    expect(stdout).toMatch(/redis:8\.8\.2 +kept as sha256:/)
  })

  test('nothing reached is exit 3, and nothing is written', async () => {
    const { code, stderr } = await pin({})
    expect([code, existsSync(file)]).toEqual([3, false])
    expect(stderr).toContain('nothing could be asked')
  })

  test('--dry-run writes nothing; a wrong --mirror is exit 2', async () => {
    await start({ content: { [redis]: 'one' } })
    expect([(await pin({ 'docker.io': server.url }, '--dry-run', '--json')).code, existsSync(file)]).toEqual([0, false])
    expect((await runTask('tasks/cluster/pin.ts', ['--mirror', 'docker.io'])).code).toBe(2)
  })
})

describe('a registry', () => {
  test('that says no digest: it is that of the bytes', async () => {
    await start({ content: { '/v2/a/b/manifests/1': 'bytes' }, silent: true })
    expect(await digestOf('r.test/a/b:1', { 'r.test': server.url })).toBe(digest('bytes'))
    expect(server.requests).toEqual(['HEAD /v2/a/b/manifests/1', 'GET /v2/a/b/manifests/1'])
  })

  test('that does not know the image, or a site the file, says so by its status', async () => {
    await start({ content: {} })
    await expect(digestOf('r.test/a/b:1', { 'r.test': server.url })).rejects.toThrow('answers 404')
    await expect(checksumOf('https://s.test/x', { 's.test': server.url })).rejects.toThrow('s.test answers 404')
    await expect(digestOf('redis', {})).rejects.toThrow('not a whole name')
  })
})
