import { cluster } from '#lib/contract.ts'
import { kept, secret, type Secret, type SecretOptions } from './secret.ts'

/** The key with which `serve` and this machine seal the secrets of jobs, and agents open them. One that exists stays: with another, waiting jobs would be locked. */
export const agentSecret = (options: SecretOptions): Secret =>
  secret(cluster.agentSecret, cluster.namespace, {
    'secret-key': kept(options, cluster.agentSecret, 'secret-key') ?? options.random(32).toString('hex'),
  })
