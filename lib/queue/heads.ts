import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

/** A repository that has pushed to us, or is asked for its heads. */
export interface KnownRepo {
  url: string
  forge: 'gitea' | 'github'
  name: string
  defaultBranch: string
}

const place = (url: string): string => keys.heads(hash('sha256', url).slice(0, 32))

/** Where each branch stood when it was seen last, so that a push that nobody told us of can be found. */
export function heads(redis: Redis) {
  const told = new Map<string, string>()
  return {
    /** Written when it is new or other than what this one wrote last. */
    async remember(repo: KnownRepo): Promise<void> {
      const text = JSON.stringify(repo)
      if (told.get(repo.url) === text) return
      await redis.hset(keys.repos, repo.url, text)
      if (told.size >= 1000) told.clear()
      told.set(repo.url, text)
    },

    /** Notes where a branch stands, of a repository that has been looked at. */
    async moved(url: string, branch: string, commit: string): Promise<void> {
      // the others are found at the first look
      if (await redis.exists(place(url))) await redis.hset(place(url), branch, commit)
    },

    async repos(): Promise<KnownRepo[]> {
      return Object.values(await redis.hgetall(keys.repos)).map((text) => JSON.parse(text) as KnownRepo)
    },

    /** Branch → commit; null: this repository has not been looked at yet. */
    async seen(url: string): Promise<Record<string, string> | null> {
      const all = await redis.hgetall(place(url))
      return Object.keys(all).length ? all : null
    },

    /** null: the branch is gone. */
    async set(url: string, branches: Record<string, string | null>): Promise<void> {
      const pipeline = redis.pipeline()
      for (const [branch, commit] of Object.entries(branches)) {
        if (commit === null) pipeline.hdel(place(url), branch)
        else pipeline.hset(place(url), branch, commit)
      }
      await pipeline.exec()
    },
  }
}

export type HeadStore = ReturnType<typeof heads>
