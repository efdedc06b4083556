import type { Config } from '#lib/config.ts'
import { redactUrl } from '#lib/redact-url.ts'

/** The configuration as it may be shown: whoever reads it may know that there is a secret, and no more. */
export function redactedConfig(config: Config): object {
  const { git, forges, pods, redisUrl, notifyUrl, cluster, ...rest } = config
  return {
    ...rest,
    redisUrl: redisUrl === null ? null : redactUrl(redisUrl),
    // what this machine knows of a cluster is logins, but for where it is
    cluster: cluster && { kube: cluster.kube, gitea: cluster.gitea.url, serveUrl: cluster.serveUrl },
    // its path may be the token
    notifyUrl: notifyUrl === null ? null : `${new URL(notifyUrl).origin}/***`,
    git: { credentials: git.credentials.map(({ host, user }) => ({ host, user, token: '***' })) },
    forges: forges.map(({ token: _, ...forge }) => forge),
    // agents' variables may be anything
    pods: Object.fromEntries(
      Object.entries(pods).map(([name, pod]) => [name, { ...pod, ...(pod.env && { env: hidden(pod.env) }) }]),
    ),
  }
}

const hidden = (variables: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.keys(variables).map((name) => [name, '***']))
