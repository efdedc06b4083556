import type { Preset } from '#lib/cluster/presets.ts'
import { bytes } from '#lib/cluster/quantity.ts'
import { bad, good, type Finding } from '#lib/doctor-finding.ts'
import type { Facts } from './facts.ts'

export const gib = (size: number): string => `${(size / 2 ** 30).toFixed(1)} GiB`
/** 10 % less than asked for: firmware and kernel keep some of what is sold. */
const enough = (has: number, wanted: number): boolean => has >= wanted * 0.9

export const cores = (facts: Facts, { needs }: Preset): Finding =>
  facts.cores * 1000 >= needs.cpu
    ? good('cores', `${facts.cores}`)
    : bad(
        'cores',
        `${facts.cores}, and this preset wants ${needs.cpu / 1000}`,
        'choose a smaller preset (--preset minimal)',
        facts.cores < 2 ? 'fail' : 'warn',
      )

export const memory = (facts: Facts, { needs }: Preset): Finding =>
  enough(facts.memory, needs.memory)
    ? good('memory', gib(facts.memory))
    : bad(
        'memory',
        `${gib(facts.memory)}, and this preset wants ${gib(needs.memory)}`,
        'choose a smaller preset (--preset minimal), or let agents ask for less',
        facts.memory < 1.8 * 2 ** 30 ? 'fail' : 'warn',
      )

export function architecture({ architecture: name }: Facts): Finding {
  const known: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64', arm64: 'arm64', amd64: 'amd64' }
  if (name && known[name]) return good('architecture', known[name])
  return bad('architecture', name ?? 'not known (uname -m)', 'take a machine with arm64 or amd64: there are no images for others')
}

export function diskOf({ disk }: Facts, { needs }: Preset): Finding {
  const wanted = bytes(needs.disk)
  if (!disk) return bad('disk', 'not known', 'see that / can be read')
  const found = `${gib(disk.free)} of ${gib(disk.size)} free in ${disk.path}`
  // kubelet throws pods out below a tenth
  if (disk.free < disk.size * 0.12)
    return bad('disk', `${found}: below a tenth kubelet removes pods`, 'free some, or mount a larger disk at /var/lib/rancher')
  if (disk.free < 15 * 2 ** 30)
    return bad('disk', `${found}: images alone take 10 GiB`, 'free some, or mount a larger disk at /var/lib/rancher')
  return disk.free >= wanted
    ? good('disk', found)
    : bad(
        'disk',
        `${found}, and the volumes of this preset may grow to ${gib(wanted)}`,
        'choose a smaller preset, or mount a larger disk',
        'warn',
      )
}

export function nvidia({ nvidia: found, dgx }: Facts): Finding {
  if (!found)
    return dgx
      ? bad('NVIDIA', 'neither driver nor toolkit, on a DGX', 'install nvidia-driver and nvidia-container-toolkit')
      : good('NVIDIA', 'none here; builds run without a GPU')
  if (!found.driver)
    return bad('NVIDIA', 'there is a container runtime, but no driver', 'load the driver: nvidia-smi says what is wrong', 'warn')
  if (!found.runtime)
    return bad(
      'NVIDIA',
      `driver ${found.driver}, but no nvidia-container-runtime`,
      'install nvidia-container-toolkit before k3s starts, else systemctl restart k3s',
      'warn',
    )
  return good('NVIDIA', `driver ${found.driver}, ${found.runtime}`)
}
