/**
 * What Prometheus reads of mirrors. Gitea itself is asked, when metrics are and at most once a minute: what a task or Gitea's own clock has done
 * meanwhile is in its answer. Only how long a sync takes is counted as it happens, of those that serve asks for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Forge } from '#lib/config.ts'
import { gitea } from '#lib/forge/gitea.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { mirrorStates, stateOf, timesOf } from '#lib/mirror/state.ts'

export interface MirrorFiguresOptions {
  forge: Pick<Forge, 'url' | 'token'>
  signal: AbortSignal
  /** Between two looks, and for how long metrics wait for one, ms. */
  everyMs?: number
  patienceMs?: number
  /** Between two looks at a sync that runs, and how long it is followed, ms. */
  followMs?: number
  followedMs?: number
}

const seconds = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** Syncs that are followed at once; of more only the first. */
const most = 50

export function mirrorFigures({ forge, signal, ...waits }: MirrorFiguresOptions) {
  const { everyMs = 60_000, patienceMs = 5000, followMs = 1000, followedMs = 600_000 } = waits
  const client = gitea(forge)
  const registry = new Registry()
  const registers = [registry]
  const states = new Gauge({ name: 'raibid_mirrors', help: 'Mirrors by state', labelNames: ['state'], registers })
  const lag = new Gauge({
    name: 'raibid_mirror_lag_seconds',
    help: 'Since the last sync of a mirror that went well; not of those that are paused, or whose source is gone',
    labelNames: ['mirror'],
    registers,
  })
  const looked = new Gauge({ name: 'raibid_mirrors_looked_at_seconds', help: 'When Gitea told of its mirrors last', registers })
  const errors = new Counter({
    name: 'raibid_mirror_sync_errors_total',
    help: 'Syncs that were seen to have failed, one at most for each look at Gitea',
    labelNames: ['mirror'],
    registers,
  })
  const duration = new Histogram({
    name: 'raibid_mirror_sync_duration_seconds',
    help: 'From the push that asks for a sync to its end',
    labelNames: ['outcome'],
    buckets: seconds,
    registers,
  })
  let before = new Map<number, GiteaRepo>()
  let next = 0
  let looking: Promise<void> | null = null
  const followed = new Set<string>()

  async function look(): Promise<void> {
    const mirrors = await client.mirrors({ signal, withinMs: 20_000 })
    const now = Date.now()
    states.reset()
    lag.reset()
    for (const state of mirrorStates) states.set({ state }, 0)
    for (const mirror of mirrors) {
      const state = stateOf(mirror, now)
      const name = `${mirror.owner}/${mirror.name}`
      states.inc({ state })
      const { succeeded, tried } = timesOf(mirror)
      if (succeeded !== null && state !== 'gone' && state !== 'paused')
        lag.set({ mirror: name }, Math.max(0, now - succeeded) / 1000)
      const earlier = before.get(mirror.id)
      if (state === 'failing' && earlier && timesOf(earlier).tried !== tried) errors.inc({ mirror: name })
    }
    before = new Map(mirrors.map((mirror) => [mirror.id, mirror]))
    looked.set(now / 1000)
  }

  return {
    /** What is known, at most so old as the time between two looks; older while Gitea doesn't answer. */
    async text(): Promise<string> {
      if (Date.now() >= next && !looking) {
        next = Date.now() + everyMs
        looking = look()
          // the time of the last look tells
          .catch(() => {})
          .finally(() => (looking = null))
      }
      if (looking) await Promise.race([looking, sleep(patienceMs, undefined, { ref: false })])
      return registry.metrics()
    },

    /** Watches a sync that was asked for until it has ended. Never rejects. */
    async follow({ owner, name }: { owner: string; name: string }, askedAt: number): Promise<void> {
      const key = `${owner}/${name}`
      if (followed.has(key) || followed.size >= most) return
      followed.add(key)
      try {
        // times are whole seconds
        const asked = Math.floor(askedAt / 1000) * 1000
        const first = await client.found({ owner, name }, { signal })
        for (const end = Date.now() + followedMs; first && Date.now() < end;) {
          await sleep(followMs, undefined, { signal, ref: false })
          const now = await client.found({ owner, name }, { signal })
          // what ended before we first looked counts too
          const done = (time: number | null, then: number | null): boolean => time !== null && (time !== then || time >= asked)
          const outcome = !now
            ? null
            : done(now.syncedAt, first.syncedAt)
              ? 'success'
              : done(now.triedAt, first.triedAt)
                ? 'failed'
                : null
          if (!outcome) continue
          duration.observe({ outcome }, Math.max(0, Date.now() - askedAt) / 1000)
          return
        }
      } catch {
        // Gitea is away or we end: nothing is known of that sync
      } finally {
        followed.delete(key)
      }
    },
  }
}

export type MirrorFigures = ReturnType<typeof mirrorFigures>
