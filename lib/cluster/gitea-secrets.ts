import { cluster } from '#lib/contract.ts'
import { kept, secret, type Secret, type SecretOptions } from './secret.ts'

/**
 * The Secrets of Gitea and its database. Every one is random, and what exists stays: a password is read by PostgreSQL and Gitea when they are first made, and
 * without its keys Gitea can't read what it has sealed.
 */
export function giteaSecrets(options: SecretOptions): Secret[] {
  const { infrastructure, giteaAdminSecret, giteaDatabaseSecret, giteaSecret } = cluster
  const hex = (size: number): string => options.random(size).toString('hex')
  // one of the two that is lost is made of the other: a new password would lock Gitea out of its data
  const database =
    kept(options, giteaDatabaseSecret, 'password') ?? kept(options, giteaSecret, 'GITEA__database__PASSWD') ?? hex(32)
  const own = (key: string, make: () => string): [string, string] => [key, kept(options, giteaSecret, key) ?? make()]
  // what Gitea itself makes of 32 bytes: base64url, 43 characters (modules/generate)
  const key32 = (): string => options.random(32).toString('base64url')
  return [
    secret(giteaAdminSecret, infrastructure, {
      username: kept(options, giteaAdminSecret, 'username') ?? 'raibid',
      password: kept(options, giteaAdminSecret, 'password') ?? hex(16),
    }),
    secret(giteaDatabaseSecret, infrastructure, { password: database }),
    secret(giteaSecret, infrastructure, {
      // one that was changed in only one of the two is set right by the database's own
      GITEA__database__PASSWD: database,
      ...Object.fromEntries([
        own('GITEA__security__SECRET_KEY', () => hex(32)),
        own('GITEA__security__INTERNAL_TOKEN', () => hex(48)),
        own('GITEA__oauth2__JWT_SECRET', key32),
        own('GITEA__server__LFS_JWT_SECRET', key32),
      ]),
    }),
  ]
}
