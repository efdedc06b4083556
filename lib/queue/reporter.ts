import type { Redis } from 'ioredis'
import { keys } from './keys.ts'
import { scriptsOn } from './scripts.ts'

export type Begun =
  | { kind: 'yours'; digest: string }
  | { kind: 'taken' } /** by another reporter */
  | { kind: 'told' } /** the forge knows */
  | { kind: 'gone' } /** nothing is owed, or there is no such job */

/** A job that a forge has to be told of, and when it changed. */
export type Owed = [id: string, at: number]

/**
 * Who tells forges of jobs (`ci-status`). Any number may be at work: a job is one reporter's at a time, for each forge, so that what a
 * forge is told comes in order.
 */
export function reporter(redis: Redis, me: string) {
  const run = scriptsOn(redis)
  return {
    /** What changed since `from`; what changed first comes first. */
    async owed(from: number, limit: number): Promise<Owed[]> {
      const flat = await redis.zrange(keys.status, from, '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
      const found: Owed[] = []
      for (let i = 0; i + 1 < flat.length; i += 2) found.push([flat[i]!, Number(flat[i + 1])])
      return found
    },

    /** Makes a job ours for `ms`, to tell a forge of what it is *from now on*: read it after this. */
    async begin(id: string, forge: string, ms: number, forges: readonly string[]): Promise<Begun> {
      const [kind, digest = ''] = (await run('report', id, forge, me, ms, ...forges)) as [Begun['kind'], string?]
      return kind === 'yours' ? { kind, digest } : { kind }
    },

    /** Gives it back untold. */
    async giveBack(id: string, forge: string): Promise<void> {
      await run('report', id, forge, me, 0)
    },

    /** The forge knows, or never will (`note` says why). `again`: the job has changed meanwhile, or somebody else took it up. */
    async told(id: string, forge: string, digest: string, forges: readonly string[], note = ''): Promise<'ok' | 'again'> {
      return (await run('told', id, forge, me, digest, note, ...forges)) as 'ok' | 'again'
    },
  }
}

export type Reporter = ReturnType<typeof reporter>
