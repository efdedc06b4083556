import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether `given` is the HMAC-SHA256 of the body, in hex, under one of the secrets: two may be valid while one is replaced by the other. Without
 * a secret or a signature nothing is. Every secret is tried, in the same time.
 */
export function isSigned(body: Uint8Array, given: string | undefined, secrets: readonly string[]): boolean {
  const hex = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(given ?? '')?.[1]
  if (!hex) return false
  const told = Buffer.from(hex, 'hex')
  let valid = false
  for (const secret of secrets) {
    if (secret === '') continue
    const own = createHmac('sha256', secret).update(body).digest()
    valid = timingSafeEqual(own, told) || valid
  }
  return valid
}
