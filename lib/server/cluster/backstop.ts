import type { TellEvent } from '#lib/cluster/event.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import { withLease } from '#lib/cluster/lease.ts'
import { kinds, type Job, type ScaledJob } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import type { PoolCounts } from '#lib/queue/reader.ts'
import type { Counters } from '../counters.ts'
import { jobFrom } from './job-from.ts'
import type { Mirror } from './mirror.ts'
import type { Say } from '../say.ts'
import { owedAtMost, stoodIn, truthOf } from './truth.ts'

export interface BackstopOptions {
  kube: Kube
  namespace: string
  /** This process among its like. */
  holder: string
  /** Reads the queue; throws while Redis is away. */
  counts: (pools: string[]) => Promise<PoolCounts[]>
  /** Says why a pool does not do what it should, where `just queue` shows it. */
  note: (pool: string, text: string | null) => Promise<void>
  tell: TellEvent
  count: Counters['count']
  say: Say
  bound?: number
}

/** Looks whether work gets its agents, says why when it doesn't, and creates them when KEDA does not. */
export function backstop(options: BackstopOptions) {
  const { kube, namespace, holder, counts, note, tell, count, say, bound = owedAtMost } = options
  const owedSince = new Map<string, number>()
  const noted = new Map<string, string | null>()
  let looked = 0

  /** Creates what is owed, one by one, each time after looking at what really is there: KEDA may be back. Gives how many. */
  async function create(pool: string): Promise<number> {
    const name = cluster.scaledJob(pool)
    const done = await withLease(kube, `backstop-${name}`, namespace, holder, async () => {
      for (let made = 0; ; made++) {
        const [scaledJob, jobs, [now]] = await Promise.all([
          kube.get<ScaledJob>({ ...kinds.scaledJob, metadata: { name, namespace } }),
          kube.list<Job>({ ...kinds.job, namespace, labels: `${cluster.kedaJobLabel}=${name}` }),
          counts([pool]),
        ])
        // what we made ourselves is no sign that KEDA works
        const facts = {
          counts: now!,
          scaledJob,
          jobs: made ? jobs.items.map(undated) : jobs.items,
          pods: [],
          owedSince: owedSince.get(pool)!,
        }
        const { create: owed } = truthOf(pool, facts, Date.now(), bound)
        if (owed === 0 || made >= 100) return made
        const job = await kube.create(jobFrom(scaledJob!))
        count('created')
        say('backstop', 'created', { pool, job: job.metadata.name })
      }
    })
    return done ?? 0
  }

  async function lookAt(one: PoolCounts, mirror: Mirror, now: number): Promise<void> {
    const { pool } = one
    const name = cluster.scaledJob(pool)
    const scaledJob = mirror.scaledJobs.get(name) ?? null
    const jobs = [...mirror.jobs.values()].filter(({ metadata }) => metadata.labels?.[cluster.kedaJobLabel] === name)
    const pods = [...mirror.pods.values()].filter(({ metadata }) => metadata.labels?.[cluster.poolLabel] === pool)
    const truth = truthOf(pool, { counts: one, scaledJob, jobs, pods, owedSince: owedSince.get(pool) ?? null }, now, bound)
    if (truth.owedSince === null) owedSince.delete(pool)
    else owedSince.set(pool, truth.owedSince)
    await noteIt(pool, truth.text ?? stoodIn(jobs, now))
    if (truth.create === 0) return
    count('stalled')
    if (scaledJob) void tell(scaledJob, 'Warning', 'ScalingStalled', truth.text!)
    try {
      if ((await create(pool)) > 0) owedSince.set(pool, Date.now())
    } catch (error) {
      say('backstop', 'trouble', { pool, why: messageOf(error) })
    }
  }

  async function noteIt(pool: string, text: string | null): Promise<void> {
    if (noted.get(pool) === text) return
    await note(pool, text)
    noted.set(pool, text)
    say('truth', text ? 'waits' : 'fine', { pool, ...(text && { why: text }) })
  }

  return async function look(mirror: Mirror, pools: string[]): Promise<void> {
    const all = mirror.fresh() ? await counts(pools) : []
    const now = Date.now()
    // while we, Redis or the API server were away nobody could see or create anything: the time counts from now
    if (!mirror.fresh() || now - looked > bound / 2) owedSince.clear()
    looked = now
    for (const one of all) await lookAt(one, mirror, now)
  }
}

const undated = (job: Job): Job => ({ ...job, metadata: { ...job.metadata, creationTimestamp: '' } })
