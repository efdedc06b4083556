import { stringify } from 'yaml'
import { cluster } from '#lib/contract.ts'
import type { Facts } from '#lib/machine/facts.ts'
import { cpuText, memoryText } from '../quantity.ts'
import type { Preset } from '../presets.ts'
import type { Mirrors } from '../registry.ts'
import { reservations } from './reserve.ts'

/** Where things are on a machine with k3s. */
export const at = {
  binary: '/usr/local/bin/k3s',
  uninstall: '/usr/local/bin/k3s-uninstall.sh',
  unit: '/etc/systemd/system/k3s.service',
  config: '/etc/rancher/k3s/config.yaml',
  registries: '/etc/rancher/k3s/registries.yaml',
  kubeconfig: '/etc/rancher/k3s/k3s.yaml',
  hosts: '/etc/hosts',
  /** Volumes: not below /var/lib/rancher, which the uninstaller empties. */
  volumes: '/srv/raibid/volumes',
  /** Release files that were checked. */
  downloads: '/var/cache/raibid/k3s',
  images: '/var/lib/rancher/k3s/agent/images',
  resolvConf: '/run/systemd/resolve/resolv.conf',
} as const

/** First line of every file of ours: what doesn't have it is somebody else's, and stays. */
export const header = '# Written by just bootstrap, which writes it anew.\n'
export const hostsMark = '# raibid-ci'

/** k3s's own configuration. No flags: what is in a file can be compared. */
export function configText(facts: Facts, preset: Preset, upstreamDns: boolean): string {
  const { system, kube, evictBelow } = reservations(facts, preset)
  return (
    header +
    stringify({
      // with 0644 every user of the machine would be its administrator
      'write-kubeconfig-mode': '0600',
      disable: ['traefik'],
      'default-local-storage-path': at.volumes,
      'secrets-encryption': true,
      ...(facts.hostname && { 'tls-san': [facts.hostname] }),
      // a resolver on loopback is of no use to pods
      ...(upstreamDns && { 'resolv-conf': at.resolvConf }),
      'kubelet-arg': [
        `system-reserved=cpu=${cpuText(system.cpu)},memory=${memoryText(system.memory)}`,
        `kube-reserved=cpu=${cpuText(kube.cpu)},memory=${memoryText(kube.memory)}`,
        `eviction-hard=memory.available<${memoryText(evictBelow)},nodefs.available<10%,imagefs.available<10%`,
        'max-pods=200',
      ],
    })
  )
}

/**
 * Where containerd really asks for images. It runs on the machine and knows no name of the cluster: Gitea's one name leads to the port of the
 * node. The default endpoint is never listed: it comes last by itself.
 */
export function registriesText(mirrors: Mirrors): string {
  // what is downloaded from GitHub is no image; and a default endpoint that is listed is asked twice (k3s#9341)
  const isDefault = (host: string, url: string): boolean =>
    new URL(url).host === host || new URL(url).host === (host === 'docker.io' ? 'registry-1.docker.io' : host)
  const others = Object.entries(mirrors).filter(
    ([host, url]) => /^[a-z0-9.-]+(:\d+)?$/.test(host) && !/github/.test(host) && !isDefault(host, url),
  )
  const list = Object.fromEntries(others.map(([host, url]) => [host, { endpoint: [url] }]))
  const gitea = { [cluster.giteaAddress]: { endpoint: [`http://127.0.0.1:${cluster.giteaNodePort}`] } }
  return header + stringify({ mirrors: { ...list, ...gitea } })
}

/** The hosts file with Gitea's name in it: git on this machine asks for it as pods do. Lines that are not ours stay. */
export function hostsText(before: string): string {
  const others = before.split('\n').filter((line) => !line.endsWith(hostsMark))
  while (others.at(-1) === '') others.pop()
  return [...others, `127.0.0.1 ${cluster.giteaHost} ${hostsMark}`, ''].join('\n')
}

/** The same without it. */
export const hostsWithout = (before: string): string =>
  before
    .split('\n')
    .filter((line) => !line.endsWith(hostsMark))
    .join('\n')

/** Name by which pods reach this machine itself. */
export const machineName = 'host.raibid.internal'

/** A name server of its own: in an `override` a second `hosts` would kill CoreDNS's reload, and the ConfigMap `coredns` is k3s's own. */
export const corednsCustom = (address: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'coredns-custom', namespace: 'kube-system' },
  data: {
    'raibid.server': `raibid.internal:53 {\n  errors\n  hosts {\n    ${address} ${machineName}\n    ttl 60\n    fallthrough\n  }\n}\n`,
  },
})
