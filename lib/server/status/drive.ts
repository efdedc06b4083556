import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import { isBuilt } from '#lib/config-forges.ts'
import type { Config } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { redactUrl } from '#lib/redact-url.ts'
import { pause } from '#lib/queue/keeper.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { reporter as reporterOf, type Owed } from '#lib/queue/reporter.ts'
import type { Job } from '#lib/queue/types.ts'
import type { Say } from '../say.ts'
import { statusLane } from './lane.ts'
import { statusOf } from './of.ts'
import { clientOf, targetsOf, type GithubOf } from './target.ts'

export interface StatusOptions {
  redis: Redis
  config: Pick<Config, 'forges' | 'publicUrl'>
  signal: AbortSignal
  say: Say
  /** `owner/name` on GitHub of a repository that is mirrored from there, by the policy. */
  githubOf?: GithubOf | undefined
  /** For /metrics. */
  count?: ((outcome: 'told' | 'failed' | 'dropped') => void) | undefined
  /** The first wait after a failure, ms, and the longest that it doubles to. For tests. */
  waits?: { first: number; longest: number }
  /** How often is looked for what changed, and all is looked through, ms. For tests. */
  every?: { look: number; all: number }
  /** Bound on telling once, ms; default 10 s, for GitHub, which spaces what we write, 30 s. For tests. */
  withinMs?: number
}

/** Redis's clock may step back a little between two scripts. */
const overlapMs = 50
const page = 500

/**
 * Tells the forges what became of each job that was enqueued with `report`, until the signal: in order for each job, and as long as it takes.
 * Any number may run at once.
 */
export async function driveStatuses(options: StatusOptions): Promise<void> {
  const { redis, config, signal, say, githubOf, count = () => {} } = options
  const { waits = { first: 1000, longest: 30_000 }, every = { look: 300, all: 60_000 } } = options
  const me = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`.replaceAll(/\s/g, '-')
  const [reporter, reader] = [reporterOf(redis, me), readerOf(redis)]
  const lanes = new Map(
    config.forges.filter(isBuilt).map((forge) => {
      const withinMs = options.withinMs ?? (forge.kind === 'github' ? 30_000 : 10_000)
      const status = (job: Job) => statusOf(job, config.publicUrl)
      return [
        forge.url,
        statusLane({
          ...{ forge, client: clientOf(forge), reporter, reader, statusOf: status },
          ...{ waits, withinMs, signal, say, count },
        }),
      ] as const
    }),
  )

  async function take(owed: readonly Owed[]): Promise<void> {
    const jobs = new Map((await reader.jobsOf(owed.map(([id]) => id))).map((job) => [job.id, job]))
    for (const [id, at] of owed) {
      const job = jobs.get(id)
      const targets = job ? targetsOf(job, config.forges, githubOf) : []
      const forges = targets.map(({ forge }) => forge.url)
      if (!targets.length) await nobody(id, job)
      for (const target of targets) lanes.get(target.forge.url)!.add(id, { target, forges, tries: 0 }, seen.get(id) !== at)
    }
  }

  /** A job that no forge is told of, or of which there is nothing left. */
  async function nobody(id: string, job: Job | undefined): Promise<void> {
    const begun = await reporter.begin(id, 'none', 1000, [])
    if (begun.kind !== 'yours') return
    const why = job ? `raibid.yaml has no forge with ${redactUrl(job.origin ?? job.repo)}` : 'its record is unreadable'
    count('dropped')
    say('status', 'dropped', { job: id, why })
    await reporter.told(id, 'none', begun.digest, [], why)
  }

  let seen = new Map<string, number>()
  let newest = 0

  /** What is owed, from a time on, a page at a time; some of it twice. (Not by ranks: what is told meanwhile would shift them.) */
  async function* owedSince(from: number): AsyncGenerator<Owed[]> {
    for (let limit = page; ;) {
      const owed = await reporter.owed(from, limit)
      yield owed
      const [, last = from] = owed.at(-1) ?? []
      newest = Math.max(newest, last)
      if (owed.length < limit) return
      limit = last === from ? limit * 2 : page
      from = last
    }
  }

  /** What changed since the last look. */
  async function look(): Promise<void> {
    for await (const owed of owedSince(newest - overlapMs)) {
      await take(owed.filter(([id, at]) => seen.get(id) !== at))
      for (const [id, at] of owed) seen.set(id, at)
    }
  }

  /** All that is owed: what others have given back, and what a clock has hidden. */
  async function lookAll(): Promise<void> {
    const all = new Map<string, number>()
    newest = 0
    for await (const owed of owedSince(0)) {
      await take(owed)
      for (const [id, at] of owed) all.set(id, at)
    }
    seen = all
  }

  async function watch(): Promise<void> {
    for (let lookedAt = -Infinity; !signal.aborted; await pause(every.look, signal)) {
      try {
        const now = performance.now()
        if (now - lookedAt < every.all) await look()
        else {
          await lookAll()
          lookedAt = now
        }
      } catch (error) {
        if (!signal.aborted) say('status', 'trouble', { why: messageOf(error) })
      }
    }
  }
  await Promise.all([watch(), ...[...lanes.values()].map((lane) => lane.run())])
}
