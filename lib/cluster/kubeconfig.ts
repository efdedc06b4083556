import { existsSync, readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { messageOf, UnreachableError, UsageError } from '#lib/errors.ts'
import { redactUrl } from '#lib/redact-url.ts'

const accountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

export interface KubeChoice {
  /** Path of a kubeconfig file, or several as in KUBECONFIG. */
  kubeconfig?: string | undefined
  context?: string | undefined
  env?: NodeJS.ProcessEnv
}

/** One cluster, and how to log in there. */
export interface Login {
  /** As it may be shown. */
  server: string
  /** The same with a password, if there is one in it. */
  url: string
  context: string
  proxied: boolean
  /** Adds certificates and tokens to a request; asked anew for each, for tokens are replaced. */
  apply: (options: RequestOptions) => Promise<void>
  /** The library's own, for what it does beyond logging in. */
  config: KubeConfig
}

/** We run in a pod that may ask its API server. */
export const inCluster = (env: NodeJS.ProcessEnv = process.env): boolean =>
  Boolean(env['KUBERNETES_SERVICE_HOST']) && existsSync(accountToken)

/**
 * The cluster that is meant: the files given ← KUBECONFIG ← ~/.kube/config ← the pod's own service account. UsageError for a file or
 * a context that isn't there; UnreachableError when nothing says which cluster.
 */
export async function loadLogin({ kubeconfig, context, env = process.env }: KubeChoice = {}): Promise<Login> {
  const named = kubeconfig || env['KUBECONFIG']
  const own = join(env['HOME'] || homedir(), '.kube/config')
  const paths = named ? named.split(delimiter).filter(Boolean) : existsSync(own) ? [own] : []
  if (!paths.length && !inCluster(env)) {
    throw new UnreachableError(
      `no Kubernetes is configured: set KUBECONFIG or give --kubeconfig (there is no ${own}, and this is no pod)`,
    )
  }
  // heavy (0.6 s, 85 MB): only who talks to a cluster pays for it
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  if (paths.length) merge(config, () => new KubeConfig(), paths)
  else config.loadFromCluster()
  if (context) {
    if (!config.getContextObject(context))
      throw new UsageError(
        `there is no context "${context}"; known: ${config.contexts.map(({ name }) => name).join(', ') || 'none'}`,
      )
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new UsageError(`${paths.join(delimiter)}: no current context names a cluster; give --context`)
  const server = redactUrl(cluster.server.replace(/\/$/, ''))
  return {
    server,
    url: cluster.server.replace(/\/$/, ''),
    context: config.getCurrentContext(),
    proxied: Boolean(cluster.proxyUrl),
    config,
    async apply(options) {
      try {
        await config.applyToHTTPSOptions(options)
      } catch (error) {
        // what a plugin printed may be a credential, and the words of JSON.parse quote it
        const why = error instanceof SyntaxError ? 'what its exec plugin printed is no JSON' : messageOf(error)
        throw new UnreachableError(`cannot log in to Kubernetes at ${server}: ${why}`)
      }
    },
  }
}

/** As kubectl merges: of two that have one name the first counts, and so does the first current context. The library refuses doubles. */
function merge(into: KubeConfig, fresh: () => KubeConfig, paths: readonly string[]): void {
  const there = paths.filter((path) => existsSync(path))
  if (!there.length) throw new UsageError(`there is no kubeconfig ${paths.join(' or ')}`)
  const parts = there.map((path) => {
    const part = fresh()
    try {
      part.loadFromString(readFileSync(path, 'utf8'))
    } catch (error) {
      // the lines behind the first show the place, and tokens with it
      throw new UsageError(`${path}: is not a kubeconfig (${messageOf(error).split('\n')[0]})`)
    }
    part.makePathsAbsolute(dirname(path))
    return part
  })
  const first = <T extends { name: string }>(all: T[]): T[] => [
    ...new Map(all.toReversed().map((one) => [one.name, one])).values(),
  ]
  into.clusters = first(parts.flatMap(({ clusters }) => clusters ?? []))
  into.users = first(parts.flatMap(({ users }) => users ?? []))
  into.contexts = first(parts.flatMap(({ contexts }) => contexts ?? []))
  into.currentContext = parts.map((part) => part.currentContext).find(Boolean) ?? ''
}
