import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Random bytes, bought in bulk: asking for sixteen costs as much as for four thousand. */
const pool = new Uint8Array(4096)
let used = pool.length

function random(count: number): Uint8Array {
  if (used + count > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.subarray(used, (used += count))
}

/** A ULID (github.com/ulid/spec): 26 letters, the first ten of them the time, so that ids sort as they were made. */
export function ulid(at = Date.now()): string {
  let id = ''
  for (let rest = at, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) id = alphabet[rest % 32] + id
  for (const byte of random(16)) id += alphabet[byte % 32]
  return id
}

/** When it was made, ms. */
export const ulidTime = (id: string): number =>
  [...id.slice(0, 10).toUpperCase()].reduce((time, letter) => time * 32 + alphabet.indexOf(letter), 0)

/** Is it one? Small letters count: people type ids. */
export const isUlid = (text: string): boolean => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(text)
