import type { Redis } from 'ioredis'
import { keys } from './keys.ts'
import { reader } from './reader.ts'
import { isFinal, type Job, type JobState } from './types.ts'

export interface Page {
  jobs: Job[]
  /** Where the next page begins; null: this was the last. */
  next: string | null
}

export interface PageFilter {
  state?: JobState | undefined
  repo?: string | undefined
  branch?: string | undefined
  /** From an earlier page. */
  cursor?: string | undefined
  limit: number
}

/** Jobs looked at for one page: a filter that hardly anything fits must not walk the whole history in one go. */
const mostLooked = 2000

/** Whether a text is a cursor: a place in an index by time. */
export const isCursor = (text: string): boolean => /^\d{1,15}(\.\d{1,6})?$/.test(text)

/** One page of jobs, the newest first. A page may be short, or empty, and have a next one all the same. */
export async function pageOf(redis: Redis, { state, repo, branch, cursor, limit }: PageFilter): Promise<Page> {
  const index = repo ? keys.repo(repo) : state && isFinal(state) ? keys.state(state) : keys.jobs
  const { jobsOf } = reader(redis)
  const fits = (job: Job): boolean => (!state || job.state === state) && (!branch || job.branch === branch)
  const found: Job[] = []
  let from = cursor ? `(${cursor}` : '+inf'
  for (let looked = 0; looked < mostLooked;) {
    const count = Math.max(50, limit)
    const flat = await redis.zrange(index, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, count, 'WITHSCORES')
    const ids = flat.filter((_, i) => i % 2 === 0)
    const scores = new Map(ids.map((id, i) => [id, flat[2 * i + 1]!]))
    for (const job of await jobsOf(ids)) {
      if (!fits(job)) continue
      found.push(job)
      if (found.length === limit) return { jobs: found, next: scores.get(job.id)! }
    }
    if (ids.length < count) return { jobs: found, next: null }
    looked += ids.length
    from = `(${flat.at(-1)!}`
  }
  return { jobs: found, next: from.slice(1) }
}
