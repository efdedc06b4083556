import { randomBytes } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A ULID (github.com/ulid/spec): 26 letters, the first ten of them the time, so that ids sort as they were made. */
export function ulid(at = Date.now()): string {
  let id = ''
  for (let rest = at, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) id = alphabet[rest % 32] + id
  for (const byte of randomBytes(16)) id += alphabet[byte % 32]
  return id
}

/** Is it one? Small letters count: people type ids. */
export const isUlid = (text: string): boolean => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(text)
