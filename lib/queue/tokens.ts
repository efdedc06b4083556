/** Tokens for the API: of each only a digest is kept. */
import { hash, randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

/** What a token may: look; also start, cancel and retry; also let held jobs run and make tokens. */
export const roles = ['read', 'run', 'admin'] as const
export type Role = (typeof roles)[number]

export interface TokenView {
  /** Short name of the token itself, not secret. */
  id: string
  name: string
  role: Role
  createdAt: number
}

const digest = (token: string): string => hash('sha256', token)

/** Makes, checks, lists and revokes tokens. */
export function tokens(redis: Redis) {
  async function list(): Promise<(TokenView & { key: string })[]> {
    const all = await redis.hgetall(keys.tokens)
    return Object.entries(all).flatMap(([key, text]) => {
      try {
        return { key, ...(JSON.parse(text) as TokenView) }
      } catch {
        return []
      }
    })
  }

  return {
    /** A new token; it is shown this once. */
    async create(name: string, role: Role): Promise<{ token: string; view: TokenView }> {
      const token = `raibid_${randomBytes(24).toString('base64url')}`
      const view = { id: digest(token).slice(0, 8), name, role, createdAt: Date.now() }
      await redis.hset(keys.tokens, digest(token), JSON.stringify(view))
      return { token, view }
    },

    /** Whose token it is; null when it is none. */
    async check(token: string): Promise<TokenView | null> {
      if (!/^raibid_[\w-]{20,64}$/.test(token)) return null
      const text = await redis.hget(keys.tokens, digest(token))
      return text === null ? null : (JSON.parse(text) as TokenView)
    },

    list: async (): Promise<TokenView[]> => (await list()).map(({ key: _, ...view }) => view),

    /** False: there is none of that id. */
    async revoke(id: string): Promise<boolean> {
      const found = (await list()).find((one) => one.id === id)
      return found ? (await redis.hdel(keys.tokens, found.key)) === 1 : false
    },
  }
}

export type Tokens = ReturnType<typeof tokens>
