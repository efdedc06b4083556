import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Host } from '#lib/cluster/host.ts'

/** A TCP port that something listens on, and who: null where only root may know. */
export interface Listener {
  port: number
  /** On loopback only. */
  local: boolean
  program: string | null
}

const listen = '0A'
/** 127.0.0.0/8 and ::1, as the kernel writes them. */
const isLocal = (address: string): boolean =>
  address.length === 8 ? address.endsWith('7F') : address === '00000000000000000000000001000000'

/** Every TCP port that is listened on, by /proc/net. */
export function listeners(host: Host): Listener[] {
  const found = new Map<number, { inodes: string[]; local: boolean }>()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of textOf(host, file).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      const [address = '', port = ''] = local.split(':')
      if (state !== listen) continue
      const before = found.get(parseInt(port, 16))
      found.set(parseInt(port, 16), {
        inodes: [...(before?.inodes ?? []), inode],
        local: isLocal(address) && (before?.local ?? true),
      })
    }
  }
  const owners = ownersOf(host, new Set([...found.values()].flatMap(({ inodes }) => inodes)))
  return [...found]
    .map(([port, { inodes, local }]) => ({
      port,
      local,
      program: inodes.map((inode) => owners.get(inode)).find(Boolean) ?? null,
    }))
    .sort((a, b) => a.port - b.port)
}

/** Programs by the inode of a socket that they hold. What may not be looked at is left out. */
function ownersOf(host: Host, wanted: ReadonlySet<string>): Map<string, string> {
  const owners = new Map<string, string>()
  if (!wanted.size) return owners
  for (const pid of namesIn(host, '/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of namesIn(host, `/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(host, `/proc/${pid}/fd/${fd}`))?.[1]
      if (inode && wanted.has(inode)) owners.set(inode, textOf(host, `/proc/${pid}/comm`).trim() || `process ${pid}`)
    }
  }
  return owners
}

function textOf(host: Host, path: string): string {
  try {
    return readFileSync(host.path(path), 'utf8')
  } catch {
    return ''
  }
}
function namesIn(host: Host, path: string): string[] {
  try {
    return readdirSync(host.path(path))
  } catch {
    return []
  }
}
function linkOf(host: Host, path: string): string {
  try {
    return readlinkSync(host.path(path))
  } catch {
    return ''
  }
}
