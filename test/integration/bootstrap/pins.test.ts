import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClusterContext, Settings } from '#lib/cluster/component.ts'
import { keda } from '#lib/cluster/components/keda.ts'
import { pins } from '#lib/cluster/components/pins.ts'
import { hostAt } from '#lib/cluster/host.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import { knownReleases } from '#lib/cluster/pins.ts'
import { releaseFile } from '#lib/cluster/release-file.ts'
import { fluxInstall, k3sRelease, kedaInstall } from '#lib/cluster/releases.ts'
import { openContext } from '#lib/bootstrap/context.ts'
import { loadConfig } from '#lib/config.ts'
import { files } from '#lib/contract.ts'

/** As much as tells a script, a list of checksums and objects from anything else. */
const fileOf = (name: string, text: string): string => {
  if (name.endsWith('.sh')) return `#!/bin/sh\n# ${text}`
  return name.endsWith('.txt')
    ? `${'a'.repeat(64)}  k3s-arm64\n${text}`
    : `kind: ConfigMap\napiVersion: v1\nmetadata: { name: ${name} }\n# ${text}`
}
let site: Server
let got: string[]
let text: string
let home: string
let root: string
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'raibid-home-'))
  root = mkdtempSync(join(tmpdir(), 'raibid-root-'))
  got = []
  text = 'as it is today'
  site = createServer(({ url }, response) => {
    got.push(url!.split('/').at(-1)!)
    response.writeHead(text ? 200 : 503).end(fileOf(url!.split('/').at(-1)!, text))
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
})
afterEach(() => void site.close())

async function contextOf(own: Partial<Settings> = {}): Promise<ClusterContext> {
  const address = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const mirrors = { 'github.com': address, 'raw.githubusercontent.com': address }
  const settings: Settings = { preset: 'team', existing: null, airgap: null, mirrors, ...own }
  const real = hostAt(root)
  const host = { ...real, run: async () => ({ code: 0, stdout: 'aarch64\n', stderr: '' }) }
  const config = { ...(await loadConfig({ env: {} })), home }
  return openContext({ config, settings, signal: new AbortController().signal, host })
}
const file = () => join(home, files.clusterPins)

test('the first use records, and from then on another file is refused', async () => {
  const ctx = await contextOf()
  expect(await pins.check(ctx)).toMatchObject({ state: 'absent', reason: `nobody recorded what ${k3sRelease.script} is` })
  expect(await pins.plan(ctx, { state: 'absent' })).toHaveLength(3)
  expect(got).toEqual([])
  await pins.apply(ctx)
  expect(await pins.check(ctx)).toEqual({ state: 'healthy', reason: '3 files of releases' })
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(got).toEqual(['install.sh', 'sha256sum-arm64.txt', 'install.yaml'])
  text = 'as somebody changed it'
  await expect(releaseFile(fluxInstall, 'flux-install.yaml', ctx)).rejects.toThrow(
    /is not what was recorded: sha256:.*nothing of it was used$/,
  )
})

test('what was downloaded once is asked for no more, unless it was changed here', async () => {
  const ctx = await contextOf()
  await pins.apply(ctx)
  const whole = await releaseFile(fluxInstall, 'flux-install.yaml', ctx)
  got = []
  text = ''
  expect(await releaseFile(fluxInstall, 'flux-install.yaml', ctx)).toBe(whole)
  expect(got).toEqual([])
  const pin = knownReleases(home).releases[fluxInstall]!
  writeFileSync(join(home, files.clusterReleases, pin.replace(':', '-')), 'somebody else’s')
  await expect(releaseFile(fluxInstall, 'flux-install.yaml', ctx)).rejects.toThrow(/cannot download .*503/)
})

test('what was asked before it broke off is not asked again', async () => {
  const ctx = await contextOf()
  site.removeAllListeners('request')
  site.on('request', ({ url }, response) => {
    got.push(url!.split('/').at(-1)!)
    response.writeHead(url!.includes('sha256sum') ? 503 : 200).end(fileOf(url!, 'x'))
  })
  await expect(pins.apply(ctx)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/sha256sum-arm64.*--mirror github.com=/),
  })
  expect((await pins.check(ctx)).state).toBe('degraded')
  got = []
  await expect(pins.apply(ctx)).rejects.toThrow(/sha256sum-arm64/)
  expect(got).toEqual(['sha256sum-arm64.txt'])
})

test('for a cluster that was named only Flux; without a network from the folder', async () => {
  const airgap = mkdtempSync(join(tmpdir(), 'raibid-airgap-'))
  const ctx = await contextOf({ existing: { kubeconfig: '/nowhere' }, airgap })
  await expect(pins.apply(ctx)).rejects.toThrow(`--airgap: there is no ${join(airgap, 'flux-install.yaml')}`)
  writeFileSync(join(airgap, 'flux-install.yaml'), 'kind: Namespace')
  await pins.apply(ctx)
  expect(await pins.check(ctx)).toEqual({ state: 'healthy', reason: '1 file of releases' })
  expect(got).toEqual([])
  writeFileSync(join(airgap, 'flux-install.yaml'), 'another')
  rmSync(join(home, files.clusterReleases), { recursive: true, force: true })
  await expect(releaseFile(fluxInstall, 'flux-install.yaml', ctx)).rejects.toThrow(/is not what was recorded/)
})

test('what the repository pins goes before what was recorded here; a damaged record is told', async () => {
  const repository = join(home, 'pins.json')
  const pin = (digit: string) => JSON.stringify({ images: {}, releases: { [fluxInstall]: `sha256:${digit.repeat(64)}` } })
  mkdirSync(join(home, 'cluster'))
  writeFileSync(repository, pin('1'))
  writeFileSync(file(), pin('2'))
  expect(knownReleases(home, repository).releases).toEqual({ [fluxInstall]: `sha256:${'1'.repeat(64)}` })
  expect(readFileSync(file(), 'utf8')).toContain('2222')
  writeFileSync(file(), '{')
  await expect(pins.check(await contextOf())).rejects.toThrow(/pins\.json is damaged: .*delete it/)
})

test.each([
  ['an empty answer', '', 0],
  ['the page of a proxy', '<!doctype html><title>Log in</title>', 36],
  ['a list that names no k3s', `${'a'.repeat(64)}  something-else`, 80],
])('%s is not recorded', async (_, body, size) => {
  const ctx = await contextOf()
  site.removeAllListeners('request')
  site.on('request', (_, response) => void response.end(body))
  await expect(pins.apply(ctx)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining(`can't be asked for: what is there (${size} bytes) is not a script; give --mirror`),
  })
  expect(existsSync(file())).toBe(false)
  const airgap = mkdtempSync(join(tmpdir(), 'raibid-airgap-'))
  writeFileSync(join(airgap, 'flux-install.yaml'), body)
  const folder = await contextOf({ existing: { kubeconfig: '/nowhere' }, airgap })
  await expect(pins.apply(folder)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('is not objects of') })
  expect(existsSync(file())).toBe(false)
})

test('a file without an end is not read to its end', async () => {
  const ctx = await contextOf()
  site.removeAllListeners('request')
  const piece = Buffer.alloc(2 ** 20, '#!')
  site.on('request', (_, response) => {
    Readable.from(Array.from({ length: 200 }, () => piece)).pipe(response)
  })
  await expect(pins.apply(ctx)).rejects.toThrow("can't be asked for: it is larger than 32 MiB")
})

test('KEDA without Flux: its files are recorded when they are asked for first', async () => {
  const ctx = await contextOf()
  const kube = { get: async () => null, remove: async () => false } as unknown as Kube
  await keda.remove!({ ...ctx, kube: async () => kube })
  expect(Object.keys(knownReleases(home).releases).sort()).toEqual([...kedaInstall].sort())
})
