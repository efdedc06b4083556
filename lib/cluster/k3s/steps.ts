import type { Settings } from '../component.ts'
import { k3sVersion } from '../releases.ts'
import { at, machineName } from './files.ts'
import type { K3sSeen } from './seen.ts'

/** What is done to have k3s, in this order. `restart` and `install` both end with k3s running. */
export type StepName =
  'write config' | 'write registries' | 'write hosts' | 'volumes' | 'install' | 'restart' | 'start' | 'kubeconfig' | 'coredns'

export interface Step {
  name: StepName
  /** For a person. */
  text: string
}

/** What has to be done. A k3s that was here before is taken as it is: only the way to it is noted. */
export function steps(seen: K3sSeen, { airgap }: Pick<Settings, 'airgap'>, kubeconfig: string): Step[] {
  const all: (Step | false)[] = []
  const { there, unit, ours, version, active } = seen
  const stale = (name: 'config' | 'registries' | 'hosts'): boolean => seen[name] === 'absent' || seen[name] === 'differs'
  if (ours) {
    // one that was interrupted may have left the binary alone
    const installs = !unit || version !== k3sVersion
    const [config, registries] = [stale('config'), stale('registries')]
    all.push(
      config && {
        name: 'write config',
        text: `write ${at.config}: reservations as this machine was measured, no traefik, Secrets encrypted`,
      },
      registries && { name: 'write registries', text: `write ${at.registries}: images of Gitea by the port of the node` },
      stale('hosts') && { name: 'write hosts', text: `add one line to ${at.hosts}: Gitea’s name` },
      !there && { name: 'volumes', text: `make ${at.volumes}, which an uninstall of k3s leaves alone` },
      installs && {
        name: 'install',
        text: `${version ? `replace k3s ${version} by` : 'install k3s'} ${k3sVersion}, checked against manifests/pins.json, ${airgap ? `from ${airgap}` : 'from its release'}`,
      },
      !installs &&
        active &&
        (config || registries) && { name: 'restart', text: 'restart k3s: it reads these only then; pods run on' },
    )
  }
  if (unit && !active && (!ours || version === k3sVersion)) all.push({ name: 'start', text: 'start k3s' })
  if (!seen.kubeconfig || !there)
    all.push({ name: 'kubeconfig', text: `add the context raibid-ci to ${kubeconfig}; what is in it stays` })
  if (ours) all.push({ name: 'coredns', text: `let pods know this machine as ${machineName} (ConfigMap coredns-custom)` })
  return all.filter((one) => one !== false)
}
