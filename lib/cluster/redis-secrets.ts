import { createHash } from 'node:crypto'
import { cluster } from '#lib/contract.ts'
import { kept, secret, type Secret, type SecretOptions } from './secret.ts'

/** Keys and channels of lib/queue/keys.ts; a test holds them together. */
const ours = '~ci-* ~job:* ~jobs ~jobs:* &ci-*'

/**
 * The Secrets of Redis: `users.acl` for itself, and for agents, KEDA and the probe what each of them has to know. Every password is random,
 * and one that exists stays; Redis itself knows only their digests.
 */
export function redisSecrets(options: SecretOptions): Secret[] {
  const found = (name: string, key: string): string | undefined => kept(options, name, key)
  const password = (known: string | undefined): string => known || options.random(32).toString('hex')
  const app = password(passwordOf(found(cluster.redisAppSecret, 'url')))
  const keda = password(found(cluster.redisKedaSecret, 'password'))
  const probe = password(found(cluster.redisAclSecret, 'probe-password'))
  const acl = [
    // No name, no entry: it is off and has no password. But Redis replays its file as this user, and what it may not do in a transaction
    // (what a script writes is one) is dropped then, without an error: all of the queue. (redis/redis#14541, seen with 7.0.15)
    'user default off resetpass ~* &* +@all',
    // INFO is how a client sees that Redis has loaded; the rest of the dangerous ones (FLUSHALL, KEYS, …) nobody needs.
    `user app on ${digest(app)} resetkeys resetchannels ${ours} -@all +@all -@admin -@dangerous +info`,
    `user keda on ${digest(keda)} resetkeys resetchannels ~ci-jobs* -@all +ping +xlen`,
    `user probe on ${digest(probe)} resetkeys resetchannels -@all +ping`,
  ]
  // what is made of the others comes last: whoever is interrupted before has not told Redis of a password that nobody kept
  return [
    secret(cluster.redisAppSecret, cluster.namespace, { url: `redis://app:${app}@${cluster.redisAddress}` }),
    secret(cluster.redisKedaSecret, cluster.namespace, { username: 'keda', password: keda }),
    secret(cluster.redisAclSecret, cluster.infrastructure, { 'users.acl': `${acl.join('\n')}\n`, 'probe-password': probe }),
  ]
}

const digest = (password: string): string => `#${createHash('sha256').update(password).digest('hex')}`
const passwordOf = (url: string | undefined): string | undefined =>
  url && URL.canParse(url) ? decodeURIComponent(new URL(url).password) : undefined
