import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { hostAt, type Host, type Ran } from '#lib/cluster/host.ts'

/** Files of a machine that k3s may be put on: a DGX Spark as its /proc, /sys and /etc tell of it. */
export const spark: Readonly<Record<string, string>> = {
  '/proc/meminfo': 'MemTotal:       125829120 kB\nSwapTotal:             0 kB\n',
  '/proc/cpuinfo': Array.from({ length: 20 }, (_, i) => `processor\t: ${i}\nBogoMIPS\t: 2000.00\n`).join('\n'),
  '/proc/modules': 'overlay 212992 1 - Live 0x0\nbr_netfilter 32768 0 - Live 0x0\n',
  '/proc/filesystems': 'nodev\tproc\n\text4\n',
  '/proc/net/tcp': '  sl  local_address rem_address   st\n',
  '/proc/net/tcp6': '  sl  local_address rem_address   st\n',
  '/proc/net/route': 'Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\t0003\n',
  '/proc/sys/kernel/osrelease': '6.17.0-1014-nvidia\n',
  '/proc/sys/kernel/hostname': 'spark-01\n',
  '/proc/driver/nvidia/version': 'NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.95.05  Release Build\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
  '/etc/os-release': 'PRETTY_NAME="Ubuntu 24.04.4 LTS"\n',
  '/etc/dgx-release': 'DGX_NAME="DGX Spark"\nDGX_SWBUILD_VERSION="7.5.0"\n',
  '/etc/resolv.conf': 'nameserver 192.168.2.1\n',
  '/usr/bin/nvidia-container-runtime': '',
  '/run/systemd/timesync/synchronized': '',
}

/** A line of /proc/net/tcp: something listens. */
export const listening = (port: number, inode = 4711, address = '00000000'): string =>
  `   0: ${address}:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0\n`

export type Answers = (command: readonly string[], nth: number) => Partial<Ran> | Promise<Partial<Ran>> | undefined

/** A machine below a folder of its own, with these files; commands are answered by the test, and remembered. undefined: there is no such command. */
export function fakeMachine(files: Readonly<Record<string, string>> = spark, answer: Answers = () => ({})) {
  const root = mkdtempSync(join(tmpdir(), 'raibid-machine-'))
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, text] of Object.entries(files)) put(path, text)
  mkdirSync(join(root, 'var/lib'), { recursive: true })
  const ran: { command: readonly string[]; env: Readonly<Record<string, string | undefined>> }[] = []
  const host: Host = {
    ...hostAt(root),
    async run(command, { env = {}, signal } = {}) {
      signal?.throwIfAborted()
      ran.push({ command, env })
      if (command[0] === 'uname') return { code: 0, stdout: 'aarch64\n', stderr: '' }
      const told = await answer(command, ran.length)
      if (!told) throw new Error(`${command[0]} is not installed`)
      return { code: 0, stdout: '', stderr: '', ...told }
    },
  }
  const process = (pid: number, name: string, inode: number): void => {
    put(`/proc/${pid}/comm`, `${name}\n`)
    mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true })
    symlinkSync(`socket:[${inode}]`, join(root, `proc/${pid}/fd/3`))
  }
  return { root, host, put, process, ran, commands: () => ran.map(({ command }) => command.join(' ')) }
}
