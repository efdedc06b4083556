import type { ClusterContext, Settings } from '#lib/cluster/component.ts'
import { hostAt, type Host } from '#lib/cluster/host.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import { hasContext } from '#lib/cluster/kubeconfig-file.ts'
import type { Config } from '#lib/config.ts'
import { cluster, env as names } from '#lib/contract.ts'
import { NoClusterError } from './look.ts'

export interface ContextOptions {
  config: Config
  settings: Settings
  signal: AbortSignal
  say?: (text: string) => void
  host?: Host
  env?: NodeJS.ProcessEnv
}

/** What the components of one run work with. */
export function openContext({ config, settings, signal, say = () => {}, env = process.env, ...rest }: ContextOptions) {
  const host = rest.host ?? hostAt(env[names.hostRoot] || '/')
  let open: Promise<Kube> | undefined
  const login = async (): Promise<Kube> => {
    const { existing } = settings
    // our own k3s has its own context; whatever else is current in there is somebody else's
    if (!existing && !hasContext(env, cluster.context)) throw new NoClusterError('there is no cluster yet')
    const choice = existing ?? { context: cluster.context }
    const { openKube } = await import('#lib/cluster/kube.ts')
    return openKube({ ...choice, env })
  }
  const ctx: ClusterContext = {
    config,
    settings,
    home: config.home,
    host,
    signal,
    say,
    kube: () =>
      (open ??= login().catch((error: unknown) => {
        open = undefined
        throw error
      })),
    forgetKube: () => {
      void open?.then((kube) => kube.close()).catch(() => {})
      open = undefined
    },
  }
  return ctx
}
