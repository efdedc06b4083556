import { existsSync, readFileSync, statfsSync } from 'node:fs'
import type { Host } from '#lib/cluster/host.ts'
import { listeners, type Listener } from './listeners.ts'

/** What was measured of a machine. null: it does not say. Bytes, seconds. */
export interface Facts {
  architecture: string | null
  cores: number
  memory: number
  swap: number
  /** By the path that was asked: what is free, and how much there is in all. */
  disk: { path: string; free: number; size: number } | null
  cgroup: 'v2' | 'v1' | null
  listening: Listener[]
  nameservers: string[]
  modules: { name: string; there: boolean }[]
  os: string | null
  /** Version of DGX OS. */
  dgx: string | null
  kernel: string | null
  nvidia: { driver: string | null; runtime: string | null } | null
  /** null: nobody here can say. */
  clockInStep: boolean | null
  hostname: string | null
  route: boolean
}

const read = (host: Host, path: string): string | null => {
  try {
    return readFileSync(host.path(path), 'utf8')
  } catch {
    return null
  }
}

/** Kernel modules that k3s's networking and containers need. */
export const neededModules = ['overlay', 'br_netfilter'] as const

/** Where k3s keeps its images and volumes; the nearest folder that exists is the disk that counts. */
const diskPaths = ['/var/lib/rancher', '/var/lib', '/var', '/']

/** Looks, and changes nothing. */
export async function measure(host: Host): Promise<Facts> {
  const meminfo = read(host, '/proc/meminfo') ?? ''
  const kib = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  const release = read(host, '/etc/os-release') ?? ''
  const kernel = read(host, '/proc/sys/kernel/osrelease')?.trim() ?? null
  return {
    architecture: await architecture(host),
    cores: [...(read(host, '/proc/cpuinfo') ?? '').matchAll(/^processor\s*:/gm)].length,
    memory: kib('MemTotal'),
    swap: kib('SwapTotal'),
    disk: disk(host),
    cgroup: existsSync(host.path('/sys/fs/cgroup/cgroup.controllers'))
      ? 'v2'
      : existsSync(host.path('/sys/fs/cgroup'))
        ? 'v1'
        : null,
    listening: listeners(host),
    nameservers: [...(read(host, '/etc/resolv.conf') ?? '').matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address]) => address!),
    modules: modules(host, kernel),
    os: /^PRETTY_NAME="?([^"\n]+)/m.exec(release)?.[1] ?? null,
    dgx: /^DGX_(?:OTA|SWBUILD)_VERSION="?([^"\n]+)/m.exec(read(host, '/etc/dgx-release') ?? '')?.[1] ?? null,
    kernel,
    nvidia: nvidia(host),
    clockInStep: await clock(host),
    hostname: read(host, '/proc/sys/kernel/hostname')?.trim() || null,
    // a line whose destination is 0.0.0.0: k3s does not start without one
    route: /^\S+\s+00000000\s/m.test(read(host, '/proc/net/route') ?? ''),
  }
}

async function architecture(host: Host): Promise<string | null> {
  const told = await host.run(['uname', '-m'], { withinMs: 5000 }).catch(() => null)
  return told?.code === 0 ? told.stdout.trim() : null
}

function disk(host: Host): Facts['disk'] {
  const path = diskPaths.find((one) => existsSync(host.path(one)))
  if (!path) return null
  const { bavail, blocks, bsize } = statfsSync(host.path(path))
  return { path, free: bavail * bsize, size: blocks * bsize }
}

function modules(host: Host, kernel: string | null): Facts['modules'] {
  const loaded = read(host, '/proc/modules') ?? ''
  const folder = `/lib/modules/${kernel ?? ''}`
  const builtIn = read(host, `${folder}/modules.builtin`) ?? ''
  const known = read(host, `${folder}/modules.dep`) ?? ''
  const filesystems = read(host, '/proc/filesystems') ?? ''
  const there = (name: string): boolean =>
    new RegExp(`^${name}\\s`, 'm').test(loaded) ||
    existsSync(host.path(`/sys/module/${name}`)) ||
    new RegExp(`/${name.replace('_', '[_-]')}\\.ko`, 'm').test(builtIn + known) ||
    new RegExp(`\\b${name}$`, 'm').test(filesystems)
  return neededModules.map((name) => ({ name, there: there(name) }))
}

/** The driver tells its version by /proc; k3s looks for the runtime in the PATH of its service. */
function nvidia(host: Host): Facts['nvidia'] {
  const driver = /Kernel Module(?: for \S+)?\s+([\d.]+)/.exec(read(host, '/proc/driver/nvidia/version') ?? '')?.[1] ?? null
  const runtime = ['/usr/bin', '/usr/local/bin', '/usr/local/nvidia/toolkit']
    .map((folder) => `${folder}/nvidia-container-runtime`)
    .find((path) => existsSync(host.path(path)))
  return driver || runtime ? { driver, runtime: runtime ?? null } : null
}

/** What systemd says, else what its file says; a container has neither. */
async function clock(host: Host): Promise<boolean | null> {
  if (existsSync(host.path('/run/systemd/timesync/synchronized'))) return true
  const told = await host.run(['timedatectl', 'show', '-p', 'NTPSynchronized', '--value'], { withinMs: 5000 }).catch(() => null)
  const text = told?.code === 0 ? told.stdout.trim() : ''
  return text === 'yes' ? true : text === 'no' ? false : null
}
