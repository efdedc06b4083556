import { mkdtempSync, readdirSync, writeFileSync, readFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ClusterContext, Settings } from '#lib/cluster/component.ts'
import { image } from '#lib/cluster/components/image.ts'
import { agentImage } from '#lib/cluster/pod-settings.ts'
import { look } from '#lib/bootstrap/look.ts'
import { openContext } from '#lib/bootstrap/context.ts'
import { configOf } from '#test/helpers/rendered.ts'
import { fakeApi, status } from '#test/helpers/fake-api.ts'

let api: Awaited<ReturnType<typeof fakeApi>>
let images: string[]
let bin: string
let home: string
let forbidden = false
const asked = (): string[] => (existsSync(join(bin, 'asked')) ? readFileSync(join(bin, 'asked'), 'utf8').trim().split('\n') : [])
/** A command that notes what it was asked. */
const command = (name: string, script = ''): void =>
  writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${join(bin, 'asked')}\n${script}\n`, { mode: 0o755 })

beforeEach(async () => {
  images = []
  forbidden = false
  bin = mkdtempSync(join(tmpdir(), 'raibid-bin-'))
  home = mkdtempSync(join(tmpdir(), 'raibid-home-'))
  vi.stubEnv('PATH', `${bin}${delimiter}/usr/bin${delimiter}/bin`)
  vi.stubEnv('NODE_EXTRA_CA_CERTS', '')
  command('docker', 'exit 1')
  command('buildah')
  command('k3s')
  command('k3d')
  api = await fakeApi(({ path }) =>
    path !== '/api/v1/nodes'
      ? status(404, 'NotFound', path)
      : forbidden
        ? status(403, 'Forbidden', 'nodes is forbidden')
        : {
            body: {
              metadata: {},
              items: [{ metadata: { name: 'n' }, status: { images: images.map((name) => ({ names: [name] })) } }],
            },
          },
  )
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await api.stop()
})

async function contextOf(yaml = '', existing: Settings['existing'] = null): Promise<ClusterContext> {
  const settings: Settings = { preset: 'minimal', existing, airgap: null, mirrors: {} }
  const config = { ...(await configOf(yaml || 'pools: { default: { max: 1 } }')), home }
  const ctx = openContext({ config, settings, signal: new AbortController().signal })
  const { openKube } = await import('#lib/cluster/kube.ts')
  return { ...ctx, kube: () => openKube({ kubeconfig: api.kubeconfig }) }
}

test('is built here and imported into k3s; the archive does not stay; then there is nothing to do', async () => {
  const ctx = await contextOf()
  expect(await image.check(ctx)).toEqual({ state: 'absent', reason: `node n has no image ${agentImage()}` })
  await image.apply(ctx)
  expect(asked()).toEqual([
    'docker info',
    'buildah --version',
    expect.stringMatching(/^buildah build .*--target default .*--tag localhost\/raibid-agent:[\d.]+ \.$/),
    expect.stringMatching(/^buildah push localhost\/raibid-agent:\S+ docker-archive:\S+\.tar:localhost\/raibid-agent:\S+$/),
    expect.stringMatching(/^k3s ctr -n k8s.io images import \S+\.tar$/),
  ])
  expect(readdirSync(home).flatMap((one) => readdirSync(join(home, one)))).toEqual([])
  images = [agentImage()]
  expect(await image.check(ctx)).toEqual({ state: 'healthy', reason: agentImage() })
})

test('of several only what is missing; an image of a registry is the node’s business', async () => {
  images = [agentImage()]
  const yaml = `pools: { default: { max: 1 }, rust: { max: 1, image: '${agentImage('rust')}' }, own: { max: 1, image: registry.lan/agent:1 } }`
  const ctx = await contextOf(yaml)
  expect(await image.check(ctx)).toEqual({ state: 'degraded', reason: `node n has no image ${agentImage('rust')}` })
  await image.apply(ctx)
  expect(asked().filter((line) => line.startsWith('buildah build'))).toEqual([expect.stringContaining('--target rust ')])
})

test('into k3d by its own way; into a cluster of somebody else not at all, and what to do is said', async () => {
  await image.apply(await contextOf('', { kubeconfig: api.kubeconfig, context: 'k3d-dev' }))
  expect(asked().at(-1)).toMatch(/^k3d image import -c dev \S+\.tar$/)
  const other = await contextOf('', { kubeconfig: api.kubeconfig })
  await expect(image.apply(other)).rejects.toThrow(
    /how to bring localhost\S+ to these nodes is not known: .*pools\.<name>\.image; then --skip image$/,
  )
  expect(await image.plan(other, { state: 'absent' })).toEqual([expect.stringContaining('by a person')])
})

test.each([
  [
    'build',
    'case "$1" in build) echo "no space left" >&2; exit 125;; esac',
    /buildah build of localhost\S+ ended with exit code 125: .*no space left/,
  ],
  [
    'push',
    'case "$1" in push) echo "storage is locked" >&2; exit 1;; esac',
    /buildah push localhost\S+ ended with exit code 1: storage is locked/,
  ],
])('a %s that fails is told in its own words, and leaves nothing', async (_, script, words) => {
  command('buildah', script)
  await expect(image.apply(await contextOf())).rejects.toThrow(words)
  expect(readdirSync(home).flatMap((one) => readdirSync(join(home, one)))).toEqual([])
})

test('without anything that builds images: what to install', async () => {
  command('buildah', 'exit 1')
  const ctx = await contextOf()
  await expect(image.apply(ctx)).rejects.toThrow(/Nothing here can build images: .*Install buildah/)
  // and a dry run says so before anything is made
  expect(await image.plan(ctx, { state: 'absent' })).toEqual([
    expect.stringMatching(/^first, by a person: Nothing here/),
    expect.stringMatching(/^build /),
  ])
})

test('an account that may not see nodes is no reason to stop', async () => {
  forbidden = true
  expect(await look(image, await contextOf())).toMatchObject({ state: 'healthy', reason: expect.stringContaining('may not see') })
})
