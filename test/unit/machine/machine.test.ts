import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { presets } from '#lib/cluster/presets.ts'
import { machine } from '#lib/cluster/components/machine.ts'
import { hostAt } from '#lib/cluster/host.ts'
import { measure, type Facts } from '#lib/machine/facts.ts'
import { judge } from '#lib/machine/judge.ts'
import { standInContext } from '#test/helpers/components.ts'
import { fakeMachine, listening, spark } from '#test/helpers/machine.ts'

const measured = (changes: Record<string, string> = {}) => {
  const files = Object.fromEntries(Object.entries({ ...spark, ...changes }).filter(([, text]) => text !== 'GONE'))
  return measure(fakeMachine(files).host)
}

describe('measuring', () => {
  test('a DGX Spark', async () => {
    const { disk, ...facts } = await measured()
    expect(facts).toEqual({
      architecture: 'aarch64',
      cores: 20,
      memory: 120 * 2 ** 30,
      swap: 0,
      cgroup: 'v2',
      listening: [],
      nameservers: ['192.168.2.1'],
      modules: [
        { name: 'overlay', there: true },
        { name: 'br_netfilter', there: true },
      ],
      os: 'Ubuntu 24.04.4 LTS',
      dgx: '7.5.0',
      kernel: '6.17.0-1014-nvidia',
      nvidia: { driver: '580.95.05', runtime: '/usr/bin/nvidia-container-runtime' },
      clockInStep: true,
      hostname: 'spark-01',
      route: true,
    } satisfies Omit<Facts, 'disk'>)
    expect(disk!.path).toBe('/var/lib')
    expect(disk!.free).toBeGreaterThan(0)
  })

  test('who listens, by its socket, and whether only here', async () => {
    const one = fakeMachine({
      ...spark,
      '/proc/net/tcp': `head\n${listening(6443, 1)}${listening(80, 2, '0100007F')}`,
      '/proc/net/tcp6': `head\n${listening(2222, 3, '00000000000000000000000001000000')}${listening(80, 4, '00000000000000000000000000000000')}`,
    })
    one.process(100, 'k3s-server', 1)
    one.process(200, 'nginx', 4)
    expect((await measure(one.host)).listening).toEqual([
      { port: 80, local: false, program: 'nginx' },
      { port: 2222, local: true, program: null },
      { port: 6443, local: false, program: 'k3s-server' },
    ])
  })

  test('a folder with nothing in it is measured too', async () => {
    const facts = await measure(hostAt(mkdtempSync(join(tmpdir(), 'raibid-empty-'))))
    expect(facts).toMatchObject({ cores: 0, memory: 0, cgroup: null, nameservers: [], dgx: null, nvidia: null, route: false })
  })

  test('this very machine', async () => {
    const facts = await measure(hostAt())
    expect([facts.cores > 0, facts.memory > 2 ** 28, facts.disk!.size > 0, facts.hostname !== null]).toEqual([
      true,
      true,
      true,
      true,
    ])
  })
})

/** [what is different, the check, its state, words of what is found or to be done] */
const cases: [Record<string, string>, string, string, RegExp][] = [
  [{}, 'cores', 'ok', /^20/],
  [{ '/proc/cpuinfo': 'processor\t: 0\n' }, 'cores', 'fail', /^1, and this preset wants 8/],
  [{ '/proc/cpuinfo': 'processor\t: 0\nprocessor\t: 1\n' }, 'cores', 'warn', /^2/],
  [{}, 'memory', 'ok', /^120.0 GiB/],
  [{ '/proc/meminfo': 'MemTotal: 1048576 kB\n' }, 'memory', 'fail', /^1.0 GiB, and this preset wants 32.0/],
  [{ '/proc/meminfo': 'MemTotal: 8388608 kB\n' }, 'memory', 'warn', /let agents ask for less/],
  [
    { '/sys/fs/cgroup/cgroup.controllers': 'GONE', '/sys/fs/cgroup/memory/tasks': '' },
    'cgroup',
    'fail',
    /unified_cgroup_hierarchy/,
  ],
  [{ '/sys/fs/cgroup/cgroup.controllers': 'GONE' }, 'cgroup', 'fail', /none is mounted/],
  [{ '/etc/resolv.conf': '' }, 'DNS', 'fail', /no nameserver/],
  [{ '/etc/resolv.conf': 'nameserver 127.0.0.53\n' }, 'DNS', 'warn', /only this machine reaches it/],
  [{ '/proc/net/route': 'Iface\n' }, 'route', 'fail', /no default route/],
  [
    { '/proc/meminfo': `${spark['/proc/meminfo']}`.replace('SwapTotal:             0', 'SwapTotal: 2097152') },
    'swap',
    'warn',
    /swapoff -a/,
  ],
  [{ '/proc/modules': '' }, 'kernel modules', 'warn', /modprobe overlay br_netfilter/],
  [
    {
      '/proc/modules': '',
      '/lib/modules/6.17.0-1014-nvidia/modules.dep':
        'kernel/fs/overlayfs/overlay.ko.zst:\nkernel/net/bridge/br_netfilter.ko.zst:\n',
    },
    'kernel modules',
    'ok',
    /overlay/,
  ],
  [{}, 'system', 'ok', /^DGX OS 7.5.0, kernel 6.17/],
  [{ '/etc/dgx-release': 'GONE' }, 'system', 'ok', /^Ubuntu 24.04.4 LTS/],
  [{ '/proc/sys/kernel/hostname': 'Spark_01\n' }, 'host name', 'warn', /small letters/],
  [{}, 'NVIDIA', 'ok', /^driver 580.95.05/],
  [{ '/usr/bin/nvidia-container-runtime': 'GONE' }, 'NVIDIA', 'warn', /before k3s starts/],
  [{ '/proc/driver/nvidia/version': 'GONE' }, 'NVIDIA', 'warn', /no driver/],
  [{ '/proc/driver/nvidia/version': 'GONE', '/usr/bin/nvidia-container-runtime': 'GONE' }, 'NVIDIA', 'fail', /on a DGX/],
  [{ '/run/systemd/timesync/synchronized': 'GONE' }, 'clock', 'warn', /nobody here says/],
  [
    { '/proc/net/tcp': `head\n${listening(6443)}` },
    'ports',
    'fail',
    /6443 \(the API server\) by a program only root can name.*ss -tlnp/,
  ],
  [{ '/proc/net/tcp': `head\n${listening(30808)}` }, 'ports', 'fail', /30808 \(serve, by http\)/],
  [{ '/proc/net/tcp': `head\n${listening(80)}` }, 'ports', 'warn', /80 \(an ingress, by http\)/],
]

describe('judging', () => {
  test.each(cases)('%j: %s is %s', async (changes, name, state, words) => {
    const facts = await measured(changes)
    const found = judge({ ...facts, disk: { path: '/', free: 2e12, size: 4e12 } }, presets.team, false).find(
      (one) => one.name === name,
    )!
    expect(found.state).toBe(state)
    expect(`${found.found} → ${found.mend ?? ''}`).toMatch(words)
  })

  test.each([
    [{ free: 2e12, size: 4e12 }, 'ok'],
    [{ free: 1e11, size: 4e11 }, 'warn'],
    [{ free: 1e10, size: 5e10 }, 'fail'],
    [{ free: 1e11, size: 4e12 }, 'fail'],
  ])('a disk with %j is %s', async (disk, state) => {
    const found = judge({ ...(await measured()), disk: { path: '/', ...disk } }, presets.team, false)
    expect(found.find(({ name }) => name === 'disk')!.state).toBe(state)
  })

  test('every one that is not well says what to do', async () => {
    for (const [changes] of cases)
      for (const one of judge(await measured(changes), presets.beast, false)) expect(Boolean(one.mend)).toBe(one.state !== 'ok')
  })

  test('k3s’s own ports are no trouble once it is there; another’s are', async () => {
    const facts = await measured()
    const at = (program: string | null) =>
      judge({ ...facts, listening: [{ port: 6443, local: false, program }] }, presets.team, true).find(
        ({ name }) => name === 'ports',
      )!.state
    expect([at('k3s-server'), at(null), at('haproxy')]).toEqual(['ok', 'ok', 'fail'])
  })
})

describe('the component', () => {
  test('stops where a person has to mend something, and says what', async () => {
    const { host } = fakeMachine({ ...spark, '/etc/resolv.conf': '' })
    const ctx = await standInContext({ host })
    expect(await machine.check(ctx)).toMatchObject({ state: 'degraded', reason: expect.stringContaining('DNS: no nameserver') })
    await expect(machine.apply(ctx)).rejects.toThrow(/a person has to mend this machine first: .*DNS \(add one/)
  })

  test('does not look at this machine when the cluster is elsewhere', async () => {
    const { host } = fakeMachine({})
    const ctx = await standInContext({
      host,
      settings: { preset: 'team', existing: { kubeconfig: '/x' }, airgap: null, mirrors: {} },
    })
    expect((await machine.check(ctx)).state).toBe('healthy')
  })
})
