import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cluster } from '#lib/contract.ts'
import { RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'
import { writeWhole } from '#lib/pool/state.ts'
import type { Host, Ran } from './host.ts'
import { registriesText } from './k3s/files.ts'
import { k3sVersion } from './releases.ts'

/** A cluster of k3s in a container, for development. */
export interface K3dOptions {
  host: Host
  /** RAIBID_HOME. */
  home: string
  name: string
  signal: AbortSignal
}

const install = 'https://k3d.io says how to install it; or take another cluster with --kubeconfig'

/** Where the way to it is noted: a file of its own, so that a person's kubeconfig stays as it is. */
export const k3dKubeconfig = (home: string, name: string): string => join(home, 'cluster', `k3d-${name}.kubeconfig`)

/** UsageError for a name that k3d would not take. */
export function checkName(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
    throw new UsageError(`${JSON.stringify(name.slice(0, 60))} is not a name for a cluster (a-z, 0-9 and -)`)
  return name
}

/** The command that makes it: the ports of Gitea and serve on loopback only, no kubeconfig of a person touched. */
export const k3dCreate = (name: string, registries: string): string[] => [
  ...['k3d', 'cluster', 'create', name, '--image', `docker.io/rancher/k3s:${k3sVersion.replace('+', '-')}`],
  ...['--kubeconfig-update-default=false', '--kubeconfig-switch-context=false', '--wait', '--timeout', '180s'],
  ...['--k3s-arg', '--disable=traefik@server:0', '--registry-config', registries],
  ...[cluster.giteaNodePort, cluster.giteaSshNodePort, cluster.serveNodePort].flatMap((port) => [
    '--port',
    `127.0.0.1:${port}:${port}@server:0`,
  ]),
]

/** The names of the clusters that k3d has. RaibidError when it isn't installed, UnreachableError when it can't ask docker. */
export async function k3dClusters({ host, signal }: Pick<K3dOptions, 'host' | 'signal'>): Promise<string[]> {
  const told = await host.run(['k3d', 'cluster', 'list', '-o', 'json'], { signal, withinMs: 30_000 }).catch((error: Error) => {
    throw /not installed/.test(error.message) ? new RaibidError(`k3d is not installed: ${install}`) : error
  })
  if (told.code !== 0)
    throw new UnreachableError(`k3d can't ask docker: ${last(told)}; see that docker runs, and that you may use it`)
  return (JSON.parse(told.stdout || '[]') as { name: string }[]).map(({ name }) => name)
}

/** Makes it, or starts the one that is there, and notes the way to it; gives the path of its kubeconfig. */
export async function createK3d({ host, home, name, signal }: K3dOptions): Promise<{ kubeconfig: string; made: boolean }> {
  const there = (await k3dClusters({ host, signal })).includes(name)
  const path = k3dKubeconfig(home, name)
  const registries = `${path}.registries.yaml`
  writeWhole(path, '')
  writeFileSync(registries, registriesText({}), { mode: 0o600 })
  const command = there ? ['k3d', 'cluster', 'start', name] : k3dCreate(name, registries)
  await must(host, command, signal)
  const told = await must(host, ['k3d', 'kubeconfig', 'get', name], signal)
  writeWhole(path, told.stdout)
  return { kubeconfig: path, made: !there }
}

/** Takes it away, with everything in it, and looks afterwards; false when there was none. */
export async function destroyK3d({ host, home, name, signal }: K3dOptions): Promise<boolean> {
  const there = (await k3dClusters({ host, signal })).includes(name)
  if (there) await must(host, ['k3d', 'cluster', 'delete', name], signal)
  if (there && (await k3dClusters({ host, signal })).includes(name))
    throw new RaibidError(
      `k3d says that ${name} is deleted, and lists it still: see \`docker ps --filter label=k3d.cluster=${name}\``,
    )
  for (const file of ['', '.registries.yaml']) rmSync(`${k3dKubeconfig(home, name)}${file}`, { force: true })
  return there
}

const last = ({ stderr, stdout }: Ran): string => (stderr || stdout).trim().split('\n').at(-1) ?? ''

async function must(host: Host, command: readonly string[], signal: AbortSignal): Promise<Ran> {
  const told = await host.run(command, { signal, withinMs: 300_000 })
  if (told.code !== 0) throw new RaibidError(`${command.slice(0, 3).join(' ')} ended with exit code ${told.code}: ${last(told)}`)
  return told
}
