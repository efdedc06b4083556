import { cluster } from '#lib/contract.ts'
import type { Preset } from '#lib/cluster/presets.ts'
import { bad, good, type Finding } from '#lib/doctor-finding.ts'
import type { Facts } from './facts.ts'
import { architecture, cores, diskOf, gib, memory, nvidia } from './judge-hardware.ts'

/** Ports that k3s, and what stands on it, listen on; and what each is for. */
export const ports: Readonly<Record<number, string>> = {
  6443: 'the API server',
  6444: 'k3s’s own proxy',
  10250: 'kubelet',
  10248: 'kubelet’s health',
  10249: 'kube-proxy',
  [cluster.giteaNodePort]: 'Gitea, by http, from host, node and pod',
  [cluster.giteaSshNodePort]: 'Gitea, by SSH',
  [cluster.serveNodePort]: 'serve, by http',
  80: 'an ingress, by http',
  443: 'an ingress, by https',
  2222: 'Gitea, by SSH',
}
/** What may have them: k3s as it runs already, and its load balancer. */
const ours = /^(k3s|k3s-server|containerd|kubelet|lb-tcp|gitea)/

/** Everything that is to be known of a machine before k3s is put on it, each with what to do. `k3sThere`: its ports are its own. */
export function judge(facts: Facts, preset: Preset, k3sThere: boolean): Finding[] {
  return [
    architecture(facts),
    cores(facts, preset),
    memory(facts, preset),
    diskOf(facts, preset),
    cgroup(facts),
    portsOf(facts, k3sThere),
    dns(facts),
    facts.route
      ? good('route', 'there is a default route')
      : bad(
          'route',
          'there is no default route, and k3s does not start without one',
          'ip route add default via <gateway>; without a network: a dummy interface',
        ),
    facts.swap
      ? bad(
          'swap',
          `${gib(facts.swap)} are on: what agents may use is not bounded by their memory limit then`,
          'swapoff -a, and take swap out of /etc/fstab',
          'warn',
        )
      : good('swap', 'off'),
    modulesOf(facts),
    os(facts),
    hostname(facts),
    nvidia(facts),
    clock(facts),
  ]
}

const cgroup = ({ cgroup: version }: Facts): Finding =>
  version === 'v2'
    ? good('cgroup', 'v2')
    : version === 'v1'
      ? bad(
          'cgroup',
          'v1, which kubelet 1.35 and newer refuse',
          'boot with systemd.unified_cgroup_hierarchy=1 on the kernel’s command line',
        )
      : bad('cgroup', 'none is mounted', 'boot a kernel with cgroup v2, or mount it at /sys/fs/cgroup')

function portsOf({ listening }: Facts, k3sThere: boolean): Finding {
  const taken = listening.filter(({ port, program }) => ports[port] && !(k3sThere && (program === null || ours.test(program))))
  if (!taken.length) return good('ports', `${Object.keys(ports).join(', ')} are free${k3sThere ? ', or k3s’s' : ''}`)
  const named = taken.map(({ port, program }) => `${port} (${ports[port]}) by ${program ?? 'a program only root can name'}`)
  // k3s itself can't do without these; the others can be moved
  const needed = taken.some(({ port }) => port > 6000)
  return bad(
    'ports',
    `taken: ${named.join(', ')}`,
    'stop it, or have it listen elsewhere: ss -tlnp shows who it is',
    needed ? 'fail' : 'warn',
  )
}

function dns({ nameservers }: Facts): Finding {
  if (!nameservers.length)
    return bad('DNS', 'no nameserver in /etc/resolv.conf', 'add one: images are looked up by the machine, not by the cluster')
  if (nameservers.every((address) => /^127\.|^::1$/.test(address)))
    return bad(
      'DNS',
      `${nameservers.join(', ')}: only this machine reaches it, and pods ask the same one`,
      'have k3s use resolv-conf: /run/systemd/resolve/resolv.conf (bootstrap does where that file is there)',
      'warn',
    )
  return good('DNS', nameservers.join(', '))
}

function modulesOf({ modules }: Facts): Finding {
  const missing = modules.filter(({ there }) => !there).map(({ name }) => name)
  return missing.length
    ? bad(
        'kernel modules',
        `${missing.join(', ')} can’t be found`,
        `modprobe ${missing.join(' ')}; a kernel without them can’t run k3s`,
        'warn',
      )
    : good('kernel modules', modules.map(({ name }) => name).join(', '))
}

const os = ({ dgx, os: name, kernel }: Facts): Finding =>
  good('system', [dgx ? `DGX OS ${dgx}` : (name ?? 'not known'), kernel && `kernel ${kernel}`].filter(Boolean).join(', '))

/** A node is known by it, and by a name that Kubernetes takes. */
const hostname = ({ hostname: name }: Facts): Finding =>
  name && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)
    ? good('host name', name)
    : bad(
        'host name',
        `${name ?? 'none'}: k3s writes it in small letters, and volumes are bound to it`,
        'hostnamectl set-hostname <small letters, digits and ->',
        name ? 'warn' : 'fail',
      )

const clock = ({ clockInStep }: Facts): Finding =>
  clockInStep === true
    ? good('clock', 'in step with a time server')
    : clockInStep === false
      ? bad(
          'clock',
          'not in step with a time server: certificates and tokens fail when it is wrong',
          'timedatectl set-ntp true',
          'warn',
        )
      : bad('clock', 'nobody here says whether it is right', 'see that chrony or systemd-timesyncd runs', 'warn')
