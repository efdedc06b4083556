import { hash, randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

export type Lease = { held: true; release: () => Promise<void> } | { held: false; by: string }

const extend = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
const drop = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

const seize =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return false"

/**
 * The right to mirror into a Gitea, of all machines that share this Redis. Told anew as long as we live. It is a courtesy: two that mirror at
 * once get in each other's way, and harm nothing. `isDead`: whether who holds it is known to live no more.
 */
export async function takeMirrorLease(
  redis: Redis,
  gitea: string,
  who: string,
  isDead: (by: string) => boolean = () => false,
  ms = 30_000,
): Promise<Lease> {
  const key = keys.mirrorLease(hash('sha256', gitea).slice(0, 16))
  const value = `${who} ${randomUUID()}`
  const before = await redis.set(key, value, 'PX', ms, 'NX', 'GET')
  const by = before?.replace(/ [0-9a-f-]{36}$/, '')
  const mine = by === undefined || (isDead(by) && (await redis.eval(seize, 1, key, before!, value, String(ms))) !== null)
  if (!mine) return { held: false, by }
  const timer = setInterval(() => void redis.eval(extend, 1, key, value, String(ms)).catch(() => {}), ms / 3)
  timer.unref()
  return {
    held: true,
    async release() {
      clearInterval(timer)
      await redis.eval(drop, 1, key, value).catch(() => {})
    },
  }
}
