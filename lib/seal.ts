import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { env, files } from './contract.ts'
import { messageOf, RaibidError } from './errors.ts'
import { keyFile } from './key-file.ts'

/**
 * The key that seals secrets: 32 bytes from RAIBID_SECRET_KEY (64 hex digits) or from the file `RAIBID_HOME/secret.key` (0600), which is
 * made when it is missing and `make` is true. It is never in Redis. RaibidError when there is none or it is not a key.
 */
export function secretKey(home: string, make: boolean, given = process.env[env.secretKey]): Buffer {
  const path = join(home, files.secretKey)
  // what a person put into a Secret or a file of variables often ends with a line end; an empty variable counts as not set
  let text = given?.trim() || undefined
  try {
    text ??= keyFile(path, make)
  } catch (error) {
    throw new RaibidError(
      `there is no key to open secrets with: ${messageOf(error)}; set ${env.secretKey} to the key they were sealed with`,
    )
  }
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new RaibidError(`${given?.trim() ? env.secretKey : path} does not hold a key: 64 hex digits are expected`)
  return Buffer.from(text, 'hex')
}

/** Seals the values of a job's secrets (AES-256-GCM), bound to the job's id so that they open for no other. Base64. */
export function seal(values: Record<string, string>, key: Buffer, job: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(job))
  const body = Buffer.concat([cipher.update(JSON.stringify(values), 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
}

/** Opens what `seal` made; RaibidError when it was sealed with another key or for another job. */
export function unseal(sealed: string, key: Buffer, job: string): Record<string, string> {
  const bytes = Buffer.from(sealed, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(job))
      .setAuthTag(bytes.subarray(12, 28))
    return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')) as Record<
      string,
      string
    >
  } catch {
    throw new RaibidError(`the secrets of this job can't be opened: they were sealed with another key than this agent has`)
  }
}
