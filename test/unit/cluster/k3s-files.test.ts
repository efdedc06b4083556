import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configText, corednsCustom, hostsText, hostsWithout, registriesText } from '#lib/cluster/k3s/files.ts'
import { steps } from '#lib/cluster/k3s/steps.ts'
import type { K3sSeen } from '#lib/cluster/k3s/seen.ts'
import { holdsLogin, mergeKubeconfig, withoutContext } from '#lib/cluster/kubeconfig-file.ts'
import { presets } from '#lib/cluster/presets.ts'
import { k3sVersion } from '#lib/cluster/releases.ts'
import { measure } from '#lib/machine/facts.ts'
import { fakeMachine } from '#test/helpers/machine.ts'

const facts = await measure(fakeMachine().host)
const well: K3sSeen = {
  ...{ there: true, unit: true, ours: true, version: k3sVersion, active: true, kubeconfig: true },
  ...{ config: 'same', registries: 'same', hosts: 'same' },
}
const names = (seen: Partial<K3sSeen>): string =>
  steps({ ...well, ...seen }, { airgap: null }, '~/.kube/config')
    .map(({ name }) => name)
    .join(', ')

describe('what is done', () => {
  test.each<[string, Partial<K3sSeen>, string]>([
    [
      'nothing there',
      {
        there: false,
        unit: false,
        version: null,
        active: false,
        kubeconfig: false,
        config: 'absent',
        registries: 'absent',
        hosts: 'differs',
      },
      'write config, write registries, write hosts, volumes, install, kubeconfig, coredns',
    ],
    ['all well', {}, 'coredns'],
    ['another version', { version: 'v1.30.0+k3s1' }, 'install, coredns'],
    ['an install that was broken off', { unit: false, active: false }, 'install, coredns'],
    ['another configuration', { config: 'differs' }, 'write config, restart, coredns'],
    ['registries that somebody deleted', { registries: 'absent' }, 'write registries, restart, coredns'],
    ['stopped', { active: false }, 'start, coredns'],
    ['stopped, with another configuration', { active: false, config: 'differs' }, 'write config, start, coredns'],
    ['files that only root may read', { config: 'unreadable', registries: 'unreadable' }, 'coredns'],
    ['somebody else’s', { ours: false, version: 'v1.30.0+k3s1', config: 'differs', registries: 'absent' }, ''],
    ['somebody else’s, stopped, not noted', { ours: false, active: false, kubeconfig: false }, 'start, kubeconfig'],
  ])('%s', (_, seen, wanted) => {
    expect(names(seen)).toBe(wanted)
  })
})

describe('files', () => {
  test('a resolver on loopback is not given to pods', () => {
    expect(parse(configText(facts, presets.team, true))).toMatchObject({ 'resolv-conf': '/run/systemd/resolve/resolv.conf' })
    expect(parse(configText(facts, presets.team, false))).not.toHaveProperty('resolv-conf')
  })

  test('mirrors of registries are taken over; a default endpoint is never listed, and GitHub is none', () => {
    const mirrors = {
      'docker.io': 'https://mirror.example',
      'ghcr.io': 'https://ghcr.io',
      'github.com': 'https://files.example',
      'quay.io': 'https://quay.io',
    }
    expect(Object.keys((parse(registriesText(mirrors)) as { mirrors: object }).mirrors)).toEqual([
      'docker.io',
      'gitea.infrastructure.svc:30300',
    ])
    expect(registriesText({ 'docker.io': 'https://registry-1.docker.io' })).not.toContain('docker.io')
  })

  test('the hosts file: one line of ours, every other one as it was', () => {
    const before = '127.0.0.1 localhost\n# mine\n10.0.0.1 nas\n'
    const once = hostsText(before)
    expect(once).toBe(`${before}127.0.0.1 gitea.infrastructure.svc # raibid-ci\n`)
    expect([hostsText(once), hostsWithout(once)]).toEqual([once, before])
  })

  test('CoreDNS: a server block of its own, never a second `hosts` in the one of k3s', () => {
    const { metadata, data } = corednsCustom('10.1.2.3')
    expect([metadata.name, Object.keys(data)]).toEqual(['coredns-custom', ['raibid.server']])
    expect(data['raibid.server'].startsWith('raibid.internal:53 {')).toBe(true)
    expect(data['raibid.server'].match(/hosts \{/g)).toHaveLength(1)
  })
})

describe('a kubeconfig', () => {
  const k3s =
    'clusters: [{name: default, cluster: {server: https://127.0.0.1:6443}}]\nusers: [{name: default, user: {token: new}}]\ncontexts: []\n'
  test('merged twice is merged once; ours is replaced, taken out again nothing of it is left', () => {
    const once = mergeKubeconfig('', k3s, 'raibid-ci', 'x')
    const twice = mergeKubeconfig(once, k3s.replace('new', 'newer'), 'raibid-ci', 'x')
    expect((parse(twice) as { users: unknown[] }).users).toEqual([{ name: 'raibid-ci', user: { token: 'newer' } }])
    const out = parse(withoutContext(twice, 'raibid-ci', 'x')) as Record<string, unknown>
    expect([out['clusters'], out['users'], out['contexts'], out['current-context']]).toEqual([[], [], [], ''])
  })

  test('what is none is refused without a word of what is in it', () => {
    expect(() => mergeKubeconfig('token: s3cret\n\tx: [', k3s, 'raibid-ci', 'f')).toThrow(
      /^f is not a kubeconfig: nothing was written/,
    )
    expect(() => mergeKubeconfig('', 'a: 1', 'raibid-ci', 'f')).toThrow('names no cluster and user')
    expect(withoutContext('a: 1\n', 'raibid-ci', 'f')).toBe('a: 1\n')
  })
})

describe('the login of k3s in a kubeconfig', () => {
  const own = (ca: string, certificate: string, key = 'k', server = 'https://127.0.0.1:6443') =>
    `clusters:\n- name: default\n  cluster: {server: ${server}, certificate-authority-data: ${ca}}\nusers:\n- name: default\n  user: {client-certificate-data: ${certificate}, client-key-data: ${key}}\n`
  const merged = mergeKubeconfig('', own('ca', 'one'), 'raibid-ci', 'x')

  test.each([
    ['the same', own('ca', 'one'), true],
    ['reached by another address', own('ca', 'one', 'k', 'https://10.0.0.1:6443'), true],
    ['a new cluster', own('other', 'one'), false],
    ['a renewed certificate', own('ca', 'two'), false],
    ['a renewed key', own('ca', 'one', 'l'), false],
    ['a token besides', own('ca', 'one').replace('user: {', 'user: {token: t, '), false],
    ['what can’t be read', 'clusters: [', true],
    ['an empty one', '', true],
  ])('%s: %s', (_, now, expected) => expect(holdsLogin(merged, now, 'raibid-ci')).toBe(expected))

  test('another’s login of the same certificate is not ours', () => {
    expect(holdsLogin(own('ca', 'one'), own('ca', 'one'), 'raibid-ci')).toBe(false)
  })
})
