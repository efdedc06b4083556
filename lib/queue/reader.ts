import type { Redis } from 'ioredis'
import { keys } from './keys.ts'
import { nameIndex } from './name-index.ts'
import { parseJob } from './parse.ts'
import { finalStates, isFinal, unfinishedStates, type FinalState, type Job, type JobState } from './types.ts'

export interface AgentView {
  agent: string
  pool: string
  job: string | null
  beatAt: number
}

export interface PoolCounts {
  pool: string
  /** Entries of the stream: what KEDA sees. */
  entries: number
  pending: number
  running: number
  delayed: number
}

export interface JobFilter {
  states?: readonly JobState[]
  repo?: string
  limit?: number
}

const LATER = 1e12

/** What may be asked. Nothing here writes, and nothing costs more when the history is longer. */
export function reader(redis: Redis) {
  async function job(id: string): Promise<Job | null> {
    return parseJob(id, await redis.hgetall(keys.job(id)))
  }

  async function jobsOf(ids: readonly string[]): Promise<Job[]> {
    const pipeline = redis.pipeline()
    for (const id of ids) pipeline.hgetall(keys.job(id))
    const replies = (await pipeline.exec()) ?? []
    return replies.flatMap(([, hash], i) => parseJob(ids[i]!, (hash ?? {}) as Record<string, string>) ?? [])
  }

  /** Walks an index from its newest member until `limit` jobs match. */
  async function newest(index: string, limit: number, match: (job: Job) => boolean): Promise<Job[]> {
    const found: Job[] = []
    const page = Math.max(10, Math.min(limit, 500))
    for (let from = 0; found.length < limit; from += page) {
      const ids = await redis.zrevrange(index, from, from + page - 1)
      for (const one of await jobsOf(ids)) if (found.length < limit && match(one)) found.push(one)
      if (ids.length < page) break
    }
    return found
  }

  /** What waits or runs lies in the line, in its order; never in the history. */
  async function unfinished(pools: readonly string[], match: (job: Job) => boolean): Promise<Job[]> {
    const lines = await Promise.all([...pools.map(keys.due), keys.held].map((line) => redis.zrange(line, '0', '-1')))
    return (await jobsOf(lines.flat())).filter(match)
  }

  return {
    job,
    jobsOf,

    /** Jobs, the newest first. */
    async jobs(filter: JobFilter = {}, pools: readonly string[] = ['default']): Promise<Job[]> {
      const { states, repo, limit = 20 } = filter
      const match = (one: Job): boolean =>
        (!states || states.includes(one.state)) && (!repo || keys.repo(one.repo) === keys.repo(repo))
      if (!states) return newest(repo ? keys.repo(repo) : keys.jobs, limit, match)
      const live = states.some((state) => !isFinal(state)) ? await unfinished(pools, match) : []
      const ended = states.filter((state): state is FinalState => isFinal(state))
      const lists = await Promise.all(
        ended.map((state) =>
          newest(repo ? keys.repo(repo) : keys.state(state), limit, (one) => one.state === state && match(one)),
        ),
      )
      return [...live, ...lists.flat()].sort((a, b) => b.createdAt - a.createdAt || b.seq - a.seq).slice(0, limit)
    },

    ...nameIndex(redis),

    /** How many jobs are before this one in its pool's line; null when it does not wait there. */
    async before({ id, pool }: Pick<Job, 'id' | 'pool'>): Promise<number | null> {
      const [score, rank] = await Promise.all([redis.zscore(keys.due(pool), id), redis.zrank(keys.due(pool), id)])
      return score === null || rank === null || Number(score) >= LATER ? null : rank
    },

    /** What runs in a pool: at most 200 jobs. */
    async running(pool: string): Promise<Job[]> {
      const ids = await redis.zrange(keys.due(pool), LATER, '+inf', 'BYSCORE', 'LIMIT', 0, 200)
      return (await jobsOf(ids)).filter((one) => one.state === 'running')
    },

    /** How much waits, runs and is delayed in each pool. */
    async counts(pools: readonly string[]): Promise<PoolCounts[]> {
      return Promise.all(
        pools.map(async (pool) => {
          const [entries, pending, later] = await Promise.all([
            redis.xlen(keys.stream(pool)),
            redis.zcount(keys.due(pool), '-inf', `(${LATER}`),
            redis.zcard(keys.due(pool)),
          ])
          return { pool, entries, pending, running: entries - pending, delayed: later - entries }
        }),
      )
    },

    /** How many jobs are in each state that is not in a pool's line. */
    async totals(): Promise<Record<FinalState | 'held', number>> {
      const [held, ...ended] = await Promise.all([
        redis.zcard(keys.held),
        ...finalStates.map((state) => redis.zcard(keys.state(state))),
      ])
      return { held, ...Object.fromEntries(finalStates.map((state, i) => [state, ended[i]!])) } as Record<
        FinalState | 'held',
        number
      >
    },

    unfinished: (pools: readonly string[]) =>
      unfinished(pools, (one) => (unfinishedStates as readonly string[]).includes(one.state)),

    /** Agents with their last beat. */
    async agents(): Promise<AgentView[]> {
      const all = await redis.hgetall(keys.agents)
      return Object.entries(all).map(([agent, text]) => {
        const { job: id, pool, beat } = JSON.parse(text) as { job?: string; pool: string; beat: number }
        return { agent, pool, job: id ?? null, beatAt: beat }
      })
    },
  }
}

export type Reader = ReturnType<typeof reader>
