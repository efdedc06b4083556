import { cluster, env as names } from '#lib/contract.ts'
import { UnreachableError, UsageError } from '#lib/errors.ts'
import type { Asking } from './gitea-login.ts'
import { hostOfNodes } from './node-address.ts'

/**
 * Where this machine reaches the cluster's Gitea: what the environment says, else the port of the node (this one's, where k3s is ours). UsageError
 * for a variable that is no address.
 */
export async function giteaUrl(ctx: Asking, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const given = env[names.giteaUrl]
  if (given) {
    if (!/^https?:\/\/[^\s/?#@]+\/?$/.test(given))
      throw new UsageError(`${names.giteaUrl}: ${JSON.stringify(given.slice(0, 80))} is not like http://host:port`)
    return given.replace(/\/$/, '')
  }
  if (!ctx.settings.existing) return `http://127.0.0.1:${cluster.giteaNodePort}`
  const host = await hostOfNodes(ctx).catch((error: unknown) => {
    if (!(error instanceof UnreachableError)) throw error
    throw new UnreachableError(`${error.message} under which Gitea could be reached; set ${names.giteaUrl}`)
  })
  return `http://${host}:${cluster.giteaNodePort}`
}
