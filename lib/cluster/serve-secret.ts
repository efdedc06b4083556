import { cluster } from '#lib/contract.ts'
import { kept, secret, type Secret, type SecretOptions } from './secret.ts'

/**
 * The Secret of `serve`: under what forges sign their webhooks. One that exists stays, for forges have it too. (Tokens for forges are put into the
 * same Secret by whoever has them; server-side apply leaves them alone.)
 */
export const serveSecret = (options: SecretOptions): Secret =>
  secret(cluster.serveSecret, cluster.namespace, {
    'webhook-secret': kept(options, cluster.serveSecret, 'webhook-secret') ?? options.random(32).toString('hex'),
  })
