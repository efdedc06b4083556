import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { openContext } from '#lib/bootstrap/context.ts'
import { journal } from '#lib/bootstrap/journal.ts'
import { teardown } from '#lib/bootstrap/teardown.ts'
import type { ClusterContext, Component, Settings } from '#lib/cluster/component.ts'
import { k3sComponent } from '#lib/cluster/components/k3s.ts'
import { at } from '#lib/cluster/k3s/files.ts'
import { k3sVersion } from '#lib/cluster/releases.ts'
import { loadConfig } from '#lib/config.ts'
import { InterruptedError } from '#lib/errors.ts'
import { bootstrapOf } from '#test/helpers/components.ts'
import { k3sBinary, k3sStandIn, type K3sStandIn } from '#test/helpers/k3s-stand-in.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let machine: K3sStandIn
let home: string
beforeEach(async () => {
  machine = await k3sStandIn()
  home = mkdtempSync(join(tmpdir(), 'raibid-home-'))
})
afterEach(() => machine.stop())

async function contextOf(own: Partial<Settings> = {}, signal = new AbortController().signal): Promise<ClusterContext> {
  const settings: Settings = { preset: 'team', existing: null, airgap: null, mirrors: machine.mirrors, ...own }
  const config = { ...(await loadConfig({ env: {} })), home }
  return openContext({ config, settings, signal, host: machine.host, env: machine.env })
}
const k3s = (): Component => ({
  ...k3sComponent({ pins: () => machine.pins, env: machine.env, withinMs: 2000 }),
  needs: [],
  settlesWithinMs: 2000,
})
const go = async (own: Partial<Settings> = {}) => (await bootstrapOf([k3s()], await contextOf(own))).outcomes[0]!
const installed = `install.sh server skip-download=true restart=true ${k3sVersion}`

test('the first run: checked files, configuration, service, kubeconfig and CoreDNS; the second: nothing', async () => {
  expect(await go()).toMatchObject({ what: 'applied', reason: `${k3sVersion}, 1 node at ${machine.api.url}` })
  expect(machine.asked()).toEqual([installed, 'systemctl restart k3s'])
  expect(machine.got).toEqual(['install.sh', 'sha256sum-arm64.txt', 'k3s-arm64'])
  expect(statSync(join(machine.root, at.binary)).mode & 0o777).toBe(0o755)
  expect(statSync(join(machine.root, at.registries)).mode & 0o777).toBe(0o600)
  expect(machine.there(at.volumes)).toBe(true)
  const config = parse(machine.read(at.config)) as Record<string, unknown>
  expect(config).toEqual({
    'write-kubeconfig-mode': '0600',
    disable: ['traefik'],
    'default-local-storage-path': '/srv/raibid/volumes',
    'secrets-encryption': true,
    'tls-san': ['spark-01'],
    'kubelet-arg': [
      'system-reserved=cpu=2,memory=12Gi',
      'kube-reserved=cpu=1,memory=2Gi',
      'eviction-hard=memory.available<6Gi,nodefs.available<10%,imagefs.available<10%',
      'max-pods=200',
    ],
  })
  expect(parse(machine.read(at.registries))).toEqual({
    mirrors: { 'gitea.infrastructure.svc:30300': { endpoint: ['http://127.0.0.1:30300'] } },
  })
  expect(machine.read('/etc/hosts')).toBe('127.0.0.1 localhost\n127.0.0.1 gitea.infrastructure.svc # raibid-ci\n')
  const [coredns] = [...machine.maps.values()] as unknown as { metadata: object; data: Record<string, string> }[]
  expect(coredns).toMatchObject({ metadata: { name: 'coredns-custom', namespace: 'kube-system' } })
  expect(Object.keys(coredns!.data)).toEqual(['raibid.server'])
  expect(coredns!.data['raibid.server']).toMatch(/^raibid\.internal:53 \{[^]*192\.168\.2\.7 host\.raibid\.internal/)

  machine.got.length = 0
  expect((await go()).what).toBe('nothing')
  expect([machine.asked(), machine.got]).toEqual([[], []])
})

test('what the shell has of k3s’s variables does not make an agent of it', async () => {
  process.env['K3S_URL'] = 'https://other:6443'
  try {
    expect((await go()).what).toBe('applied')
    expect(machine.asked()[0]).toBe(installed)
  } finally {
    delete process.env['K3S_URL']
  }
})

test('a node that is NotReady is no healthy cluster, though the word is in it', async () => {
  await go()
  machine.node.status.conditions[0] = {
    type: 'Ready',
    status: 'False',
    reason: 'KubeletNotReady',
    message: 'cni plugin not initialized',
  }
  const found = await k3s().check(await contextOf())
  expect(found).toMatchObject({ state: 'degraded', reason: 'not ready: spark-01' })
  expect(found.evidence!.join()).toContain('cni plugin not initialized')
})

test('the kubeconfig of a person keeps what it has, its current context, and its mode becomes 0600', async () => {
  const before =
    '# mine\napiVersion: v1\nkind: Config\ncurrent-context: work\nclusters:\n- name: work\n  cluster: {server: https://work:6443}\ncontexts:\n- name: work\n  context: {cluster: work, user: me}\nusers:\n- name: me\n  user: {token: t0ken}\n'
  mkdirSync(dirname(machine.kubeconfig), { recursive: true })
  writeFileSync(machine.kubeconfig, before, { mode: 0o644 })
  expect((await go()).what).toBe('applied')
  const text = readFileSync(machine.kubeconfig, 'utf8')
  const config = parse(text) as { 'current-context': string; contexts: { name: string }[]; users: { user: object }[] }
  expect(text.startsWith('# mine\n')).toBe(true)
  expect(config['current-context']).toBe('work')
  expect(config.contexts.map(({ name }) => name)).toEqual(['work', 'raibid-ci'])
  expect(config.users[0]!.user).toEqual({ token: 't0ken' })
  expect(statSync(machine.kubeconfig).mode & 0o777).toBe(0o600)
})

test('a certificate that k3s has renewed is taken over, once, and what else is there stays', async () => {
  await go()
  machine.put(at.kubeconfig, machine.read(at.kubeconfig).replace('token-of-default', 'renewed'))
  const ctx = await contextOf()
  expect((await k3s().plan(ctx, await k3s().check(ctx)))[0]).toContain('add the context raibid-ci')
  expect((await go()).what).toBe('applied')
  const { users } = parse(readFileSync(machine.kubeconfig, 'utf8')) as { users: { name: string; user: object }[] }
  expect(users).toEqual([{ name: 'raibid-ci', user: { token: 'renewed' } }])
  expect((await go()).what).toBe('nothing')
})

test('a kubeconfig that is none is not written to', async () => {
  mkdirSync(dirname(machine.kubeconfig), { recursive: true })
  writeFileSync(machine.kubeconfig, 'clusters: [\ntoken: s3cret')
  expect((await go()).reason).toBe(
    `${machine.kubeconfig} is not a kubeconfig: nothing was written to it; mend it or move it away`,
  )
  expect(readFileSync(machine.kubeconfig, 'utf8')).toBe('clusters: [\ntoken: s3cret')
})

test('an upgrade replaces the binary and starts it anew', async () => {
  await go()
  machine.asked()
  writeFileSync(join(machine.root, at.binary), k3sBinary('v1.36.3+k3s1'))
  expect((await k3s().check(await contextOf())).reason).toContain(`replace k3s v1.36.3+k3s1 by ${k3sVersion}`)
  expect((await go()).what).toBe('applied')
  expect(machine.asked()).toEqual([installed, 'systemctl restart k3s'])
  expect(machine.read(at.binary)).toBe(k3sBinary(k3sVersion))
})

test('another configuration is written and read by a restart, without the installer', async () => {
  await go()
  machine.asked()
  machine.put('/proc/meminfo', 'MemTotal: 67108864 kB\nSwapTotal: 0 kB\n')
  expect((await go()).what).toBe('applied')
  expect(machine.asked()).toEqual(['systemctl restart k3s'])
  expect(machine.read(at.config)).toContain('memory=6554Mi')
})

test('a service that was stopped is started', async () => {
  await go()
  machine.asked()
  writeFileSync(join(machine.notes, 'state'), 'inactive\n')
  expect(await k3s().check(await contextOf())).toMatchObject({
    state: 'degraded',
    reason: 'its service does not run',
    evidence: ['k3s[1]: level=fatal msg=stand-in'],
  })
  expect((await go()).what).toBe('applied')
  expect(machine.asked()).toEqual(['systemctl start k3s'])
})

describe('a wrong checksum', () => {
  test.each([
    ['install.sh', 'echo hacked'],
    ['sha256sum-arm64.txt', `${'0'.repeat(64)}  k3s-arm64\n`],
    ['k3s-arm64', 'hacked'],
  ])('of %s: nothing of it is used, and nothing is run', async (name, text) => {
    machine.files[name] = text
    const { what, reason } = await go()
    expect([what, reason]).toEqual([
      'failed',
      expect.stringMatching(/is not what was pinned: it has sha256:[0-9a-f]{64}.*nothing of it was used/),
    ])
    expect(machine.asked()).toEqual([])
    expect(machine.there(at.binary)).toBe(false)
    const downloads = join(machine.root, at.downloads, k3sVersion)
    expect((existsSync(downloads) ? readdirSync(downloads) : []).filter((one) => one === name || one.endsWith('.part'))).toEqual(
      [],
    )
  })

  test('nobody recorded one: nothing is got, and the way is said', async () => {
    machine.pins.releases = {}
    expect((await go()).reason).toMatch(
      /^nobody recorded what https:\/\/raw.*install.sh is: run `just bootstrap --only pins`, or `just pin`/,
    )
    expect(machine.got).toEqual([])
  })
})

describe('air gap', () => {
  const folderWith = (names: string[]): string => {
    const folder = mkdtempSync(join(tmpdir(), 'raibid-airgap-'))
    for (const name of names) writeFileSync(join(folder, name), machine.files[name]!)
    return folder
  }

  test('everything from a folder, images too, checked all the same; nothing from the network', async () => {
    expect((await go({ airgap: folderWith(Object.keys(machine.files)) })).what).toBe('applied')
    expect(machine.got).toEqual([])
    expect(machine.read(`${at.images}/k3s-airgap-images-arm64.tar.zst`)).toBe('images')
  })

  test('a file that is missing is named', async () => {
    const folder = folderWith(['install.sh', 'sha256sum-arm64.txt'])
    expect((await go({ airgap: folder })).reason).toBe(`${folder}/k3s-arm64 is missing: --airgap needs it`)
  })
})

describe('a k3s that was here before', () => {
  beforeEach(() => {
    machine.put(at.binary, k3sBinary('v1.33.1+k3s1'))
    machine.put(at.config, 'disable: []\n')
    machine.put(at.unit, '[Service]\n')
    machine.put(at.kubeconfig, readFileSync(join(machine.notes, 'k3s.yaml'), 'utf8'))
    writeFileSync(join(machine.notes, 'state'), 'active\n')
    chmodSync(join(machine.root, at.binary), 0o755)
  })

  test('is taken as it is: only the way to it is noted', async () => {
    expect(await go()).toMatchObject({ what: 'applied', reason: expect.stringContaining('taken as it is') })
    expect(machine.asked()).toEqual([])
    expect([machine.read(at.config), machine.there(at.registries)]).toEqual(['disable: []\n', false])
    expect(readFileSync(machine.kubeconfig, 'utf8')).toContain('raibid-ci')
    expect((await go()).what).toBe('nothing')
  })

  test('and stays when ours is torn down', async () => {
    await go()
    const ctx = await contextOf()
    const removed = await teardown([k3s()], ctx, { journal: journal(home, () => {}), emit: () => {}, everyMs: 5 })
    expect(removed).toMatchObject([{ what: 'removed' }])
    expect([machine.asked(), machine.there(at.binary)]).toEqual([[], true])
  })
})

test('a configuration of somebody else’s k3s, without a service, is not written over', async () => {
  machine.put(at.config, 'token: x\n')
  expect((await go()).reason).toBe(
    '/etc/rancher/k3s/config.yaml is there, and not ours, but no service: move it away, or start that k3s',
  )
  expect([machine.read(at.config), machine.got]).toEqual(['token: x\n', []])
})

describe('a cluster that was named', () => {
  test('is looked at, and nothing of this machine is touched', async () => {
    const existing = { kubeconfig: machine.api.kubeconfig }
    expect(await go({ existing })).toMatchObject({ what: 'nothing', reason: `${k3sVersion}, 1 node at ${machine.api.url}` })
    expect([machine.asked(), machine.got, machine.there(at.config), existsSync(machine.kubeconfig)]).toEqual([
      [],
      [],
      false,
      false,
    ])
  })

  test('that does not answer is nobody’s to mend here', async () => {
    await machine.api.stop()
    expect(await go({ existing: { kubeconfig: machine.api.kubeconfig } })).toMatchObject({ what: 'failed', unreachable: true })
    await machine.api.start()
  })

  test('stays when everything else is torn down', async () => {
    const ctx = await contextOf({ existing: { kubeconfig: machine.api.kubeconfig } })
    const removed = await teardown([k3s()], ctx, { journal: journal(home, () => {}), emit: () => {} })
    expect(removed).toMatchObject([{ what: 'stays' }])
  })
})

describe('what goes wrong', () => {
  test('the installer fails: its last words, and the next run takes it up', async () => {
    machine.set('installer-fails')
    expect(await go()).toMatchObject({
      what: 'failed',
      reason: 'the install script of k3s ended with exit code 1: Job for k3s.service failed',
    })
    machine.set('installer-fails', false)
    expect((await go()).what).toBe('applied')
  })

  test('the service does not start: what systemd and the journal say', async () => {
    await go()
    writeFileSync(join(machine.notes, 'state'), 'failed\n')
    machine.set('service-fails')
    expect(await go()).toMatchObject({
      reason: expect.stringMatching(/^systemctl start k3s ended with exit code 1: Job for k3s.service failed because/),
      evidence: ['k3s[1]: level=fatal msg=stand-in'],
    })
  })

  test('the download is refused or breaks off: said, with what to do', async () => {
    delete machine.files['k3s-arm64']
    expect((await go()).reason).toMatch(/answers 404$/)
    const dead = { 'github.com': 'http://127.0.0.1:1', 'raw.githubusercontent.com': 'http://127.0.0.1:1' }
    machine = await k3sStandIn()
    expect(await go({ mirrors: dead })).toMatchObject({
      unreachable: true,
      reason: expect.stringContaining('or --airgap <folder>'),
    })
  })

  test('the place for it can’t be written: named', async () => {
    machine.put('/var/cache/raibid', 'a file where a folder should be')
    expect((await go()).reason).toMatch(/var\/cache\/raibid.*(EEXIST|ENOTDIR|can't be written)/)
  })

  test('Ctrl-C while the installer runs ends it; the next run goes on', async () => {
    machine.set('installer-hangs')
    const stop = new AbortController()
    const ctx = await contextOf({}, stop.signal)
    const running = bootstrapOf([k3s()], ctx)
    await waitFor('the installer', () => existsSync(join(machine.notes, 'hangs')))
    stop.abort(new InterruptedError('Stopped by SIGINT.'))
    await expect(running).rejects.toThrow(InterruptedError)
    machine.set('installer-hangs', false)
    expect((await go()).what).toBe('applied')
  })

  test('an API server that is gone is a degraded cluster with its name', async () => {
    await go()
    await machine.api.stop()
    expect(await go()).toMatchObject({ what: 'failed', reason: expect.stringContaining(machine.api.url) })
    await machine.api.start()
  })
})

test('teardown: by its own script, our lines out of files that are not ours, and looked at afterwards', async () => {
  await go()
  machine.asked()
  const ctx = await contextOf()
  const removed = await teardown([k3s()], ctx, { journal: journal(home, () => {}), emit: () => {}, everyMs: 5 })
  expect(removed).toMatchObject([{ name: 'k3s', what: 'removed' }])
  expect(machine.asked()).toEqual(['k3s-uninstall.sh'])
  expect(machine.read('/etc/hosts')).toBe('127.0.0.1 localhost\n')
  expect(machine.there(at.volumes)).toBe(true)
  expect(readFileSync(machine.kubeconfig, 'utf8')).not.toContain('token-of')
  expect((await go()).what).toBe('applied')
})
