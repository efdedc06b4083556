/** What Prometheus reads: made when it is asked for, or counted as it happens. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Reader } from '#lib/queue/reader.ts'
import { isFinal, type Job } from '#lib/queue/types.ts'
import { counterNames, type Counters } from './counters.ts'
import type { EventHub } from './live/event-hub.ts'
import type { MirrorFigures } from './mirror-figures.ts'

export interface MetricsOptions {
  reader: Reader
  pools: string[]
  events: EventHub
  counters: Counters
  watchers: () => number
  /** Those of mirrors; null: there is no Gitea. */
  mirrors: Pick<MirrorFigures, 'text'> | null
}

const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]

/** Starts counting. `webhook` and `status` are called at each delivery and each report to a forge. */
export function metrics({ reader, pools, events, counters, watchers, mirrors }: MetricsOptions) {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  const depth = new Gauge({ name: 'raibid_jobs', help: 'Jobs by pool and state', labelNames: ['pool', 'state'], registers })
  const held = new Gauge({ name: 'raibid_jobs_held', help: 'Jobs that wait for somebody', registers })
  const agents = new Gauge({ name: 'raibid_agents', help: 'Agents by pool', labelNames: ['pool', 'busy'], registers })
  const watching = new Gauge({ name: 'raibid_log_watchers', help: 'Readers of live logs', registers })
  const finished = new Counter({
    name: 'raibid_jobs_finished_total',
    help: 'Jobs that ended',
    labelNames: ['pool', 'state'],
    registers,
  })
  const lost = new Counter({
    name: 'raibid_agents_lost_total',
    help: 'Attempts whose agent was lost',
    labelNames: ['pool'],
    registers,
  })
  const queued = new Histogram({
    name: 'raibid_queue_seconds',
    help: 'From ready to run to claimed',
    labelNames: ['pool'],
    buckets: seconds,
    registers,
  })
  const built = new Histogram({
    name: 'raibid_build_seconds',
    help: 'Length of the last attempt',
    labelNames: ['pool', 'state'],
    buckets: seconds,
    registers,
  })
  const attempts = new Histogram({ name: 'raibid_attempts', help: 'Attempts of a job', buckets: [1, 2, 3, 5, 10], registers })
  const caches = new Counter({
    name: 'raibid_cache_total',
    help: 'Caches restored, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const webhooks = new Counter({
    name: 'raibid_webhooks_total',
    help: 'Deliveries by outcome',
    labelNames: ['forge', 'outcome'],
    registers,
  })
  const statuses = new Counter({
    name: 'raibid_statuses_total',
    help: 'Reports to forges by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const upkeep = Object.entries(counterNames).map(
    ([key, name]) =>
      [key as keyof typeof counterNames, new Gauge({ name, help: 'Counted since this process started', registers })] as const,
  )

  function ended(job: Job): void {
    const { pool, state } = job
    finished.inc({ pool, state })
    attempts.observe(job.attempt)
    if (job.startedAt !== null) {
      queued.observe({ pool }, Math.max(0, job.startedAt - job.queuedAt) / 1000)
      built.observe({ pool, state }, Math.max(0, (job.endedAt ?? job.startedAt) - job.startedAt) / 1000)
    }
    for (const phase of job.phases) for (const { outcome } of phase.cache ?? []) caches.inc({ outcome })
  }

  events.on(({ job, state, reason }) => {
    if (!isFinal(state) && !/^agent lost/.test(reason)) return
    // what is counted must not disturb what is done
    void reader.job(job).then(
      (known) => {
        if (!known) return
        if (isFinal(state)) ended(known)
        else lost.inc({ pool: known.pool })
      },
      () => {},
    )
  })

  return {
    webhook: (forge: string, outcome: string): void => webhooks.inc({ forge, outcome }),
    status: (outcome: string): void => statuses.inc({ outcome }),
    async text(): Promise<string> {
      const [counts, totals, all] = await Promise.all([reader.counts(pools), reader.totals(), reader.agents()])
      for (const { pool, pending, running, delayed } of counts)
        for (const [state, value] of Object.entries({ pending, running, delayed })) depth.set({ pool, state }, value)
      held.set(totals.held)
      agents.reset()
      for (const pool of pools) for (const busy of ['true', 'false']) agents.set({ pool, busy }, 0)
      for (const { pool, job } of all) agents.inc({ pool, busy: String(job !== null) })
      watching.set(watchers())
      for (const [key, gauge] of upkeep) gauge.set(counters.values[key])
      return [await registry.metrics(), (await mirrors?.text()) ?? ''].join('\n')
    },
  }
}

export type Metrics = ReturnType<typeof metrics>
