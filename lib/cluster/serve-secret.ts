import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { KubeChoice } from './kubeconfig.ts'
import { kept, secret, type Secret, type SecretOptions } from './secret.ts'
import type { Ref } from './types.ts'

/**
 * The Secret of `serve`: under what forges sign their webhooks. One that exists stays, for forges have it too. (Tokens for forges are put into the
 * same Secret by whoever has them; server-side apply leaves them alone.)
 */
export const serveSecret = (options: SecretOptions): Secret =>
  secret(cluster.serveSecret, cluster.namespace, {
    'webhook-secret': kept(options, cluster.serveSecret, 'webhook-secret') ?? options.random(32).toString('hex'),
  })

/** Under what forges sign for `serve` of a cluster. RaibidError when it isn't there; UnreachableError when the API server does not answer. */
export async function clusterWebhookSecret(choice: KubeChoice): Promise<string> {
  const { openKube } = await import('./kube.ts')
  const kube = await openKube(choice)
  try {
    const found = await kube.get<Secret & Ref>(serveSecret({ random: Buffer.alloc }))
    const text = found && kept({ existing: [found], random: Buffer.alloc }, cluster.serveSecret, 'webhook-secret')
    if (text) return text
    throw new RaibidError(`Secret ${cluster.namespace}/${cluster.serveSecret} has no webhook-secret; run \`just bootstrap\``)
  } finally {
    kube.close()
  }
}
