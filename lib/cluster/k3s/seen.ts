import { existsSync, readFileSync } from 'node:fs'
import type { Host } from '../host.ts'
import { at, configText, header, hostsText, registriesText } from './files.ts'
import { measure } from '#lib/machine/facts.ts'
import { presets } from '../presets.ts'
import type { Settings } from '../component.ts'
import { hasContext, holdsLogin, kubeconfigPath } from '../kubeconfig-file.ts'
import { cluster } from '#lib/contract.ts'

/** How a file is. `unreadable`: only root may say. */
type FileState = 'same' | 'differs' | 'absent' | 'unreadable'

/** What was found of k3s on a machine. */
export interface K3sSeen {
  /** Its binary or its unit is there. */
  there: boolean
  /** systemd knows it. */
  unit: boolean
  /** We put it there, or nobody did: its configuration is ours, or there is neither one nor a service. */
  ours: boolean
  version: string | null
  active: boolean
  config: FileState
  registries: FileState
  hosts: FileState
  /** Our context is in the person's kubeconfig, with the certificates that are k3s's now. */
  kubeconfig: boolean
}

/** The text of a file; null: there is none; undefined: it may not be read. */
export function textAt(host: Host, path: string): string | null | undefined {
  try {
    return readFileSync(host.path(path), 'utf8')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : undefined
  }
}

/** What our files are to say on this machine. */
export async function wantedFiles(
  host: Host,
  { preset, mirrors }: Settings,
): Promise<Record<'config' | 'registries' | 'hosts', string>> {
  const facts = await measure(host)
  const loopbackOnly = facts.nameservers.length > 0 && facts.nameservers.every((one) => /^127\.|^::1$/.test(one))
  return {
    config: configText(facts, presets[preset], loopbackOnly && existsSync(host.path(at.resolvConf))),
    registries: registriesText(mirrors),
    hosts: hostsText(textAt(host, at.hosts) ?? ''),
  }
}

/** Looks, and changes nothing. */
export async function seeK3s(host: Host, settings: Settings, env: NodeJS.ProcessEnv = process.env): Promise<K3sSeen> {
  const wanted = await wantedFiles(host, settings)
  const stateOf = (name: 'config' | 'registries' | 'hosts'): FileState => {
    const text = textAt(host, at[name])
    return text === undefined ? 'unreadable' : text === null ? 'absent' : text === wanted[name] ? 'same' : 'differs'
  }
  const binary = existsSync(host.path(at.binary))
  const unit = existsSync(host.path(at.unit))
  const config = textAt(host, at.config)
  return {
    there: binary || unit,
    unit,
    ours: config === undefined || (config === null ? !unit : config.startsWith(header)),
    version: binary ? await versionOf(host) : null,
    active:
      unit &&
      (await host.run(['systemctl', 'is-active', 'k3s'], { withinMs: 10_000 }).catch(() => null))?.stdout.trim() === 'active',
    config: stateOf('config'),
    registries: stateOf('registries'),
    hosts: stateOf('hosts'),
    kubeconfig: kubeconfigHolds(host, env),
  }
}

async function versionOf(host: Host): Promise<string | null> {
  const told = await host.run([host.path(at.binary), '--version'], { withinMs: 10_000 }).catch(() => null)
  return /^k3s version (\S+)/m.exec(told?.stdout ?? '')?.[1] ?? null
}

/** The certificate of a new cluster is another one, and k3s renews those of its administrator: then what was merged is of no use any more. */
function kubeconfigHolds(host: Host, env: NodeJS.ProcessEnv): boolean {
  if (!hasContext(env, cluster.context)) return false
  const own = textAt(host, at.kubeconfig)
  return !own || holdsLogin(readFileSync(kubeconfigPath(env), 'utf8'), own, cluster.context)
}
