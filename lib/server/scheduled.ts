/** Builds by the clock: the entries of raibid.yaml with a `cron`. */
import { Cron } from 'croner'
import type { Redis } from 'ioredis'
import type { RepositoryPolicy } from '#lib/config-repositories.ts'
import { messageOf } from '#lib/errors.ts'
import { pause } from '#lib/queue/keeper.ts'
import { schedules } from '#lib/queue/schedules.ts'
import type { Delivered } from './hooks/deliver.ts'
import { specOf, type Decision } from './hooks/policy.ts'
import type { Say } from './say.ts'

export interface ScheduleOptions {
  redis: Redis
  policies: RepositoryPolicy[]
  /** The default branch of a repository; null: it has none yet. */
  main: (url: string) => Promise<{ branch: string; commit: string } | null>
  deliver: (source: string, id: string, decision: Decision) => Promise<Delivered>
  signal: AbortSignal
  say: Say
  now?: () => number
}

/** The newest time at which `pattern` was due, in the half-open span (since, now]; null: at none. Local time, as cron has it. */
export function dueAt(pattern: string, since: number, now: number): number | null {
  // one ms later: a run due at this very moment is not yet a "previous" one
  const last = new Cron(pattern, { paused: true }).previousRuns(1, new Date(now + 1))[0]?.getTime()
  return last !== undefined && last > since ? last : null
}

/**
 * Until the signal. What fell due while nobody looked is built once, however often it was missed; several instances build it once, for the
 * time is the delivery's id.
 */
export function scheduler({ redis, policies, main, deliver, signal, say, now = Date.now }: ScheduleOptions) {
  const store = schedules(redis)
  const wanted = policies.flatMap(({ cron, url, ...policy }) => (cron && url && policy.enabled ? [{ ...policy, cron, url }] : []))
  const failing = new Set<string>()

  async function look({ cron, url, ...policy }: (typeof wanted)[number]): Promise<void> {
    const name = `${policy.match} ${cron} ${url}`
    try {
      const at = dueAt(cron, await store.since(name, now()), now())
      if (at === null) return
      const head = await main(url)
      if (head) {
        const spec = specOf(url, head.branch, head.commit, policy, policy.secrets)
        const about = { by: `schedule ${cron}`, message: '', ref: `branch ${head.branch}`, repository: policy.match }
        const options = { supersede: false, report: true, about }
        const id = `${name} ${at}`
        const { outcome, reason, job } = await deliver('schedule', id, { do: 'build', spec, options, cancelRunning: false })
        say('schedule', outcome, { repository: policy.match, cron, job, reason })
      }
      await store.done(name, at)
      failing.delete(name)
    } catch (error) {
      if (!signal.aborted && !failing.has(name))
        say('schedule', 'not built yet', { repository: policy.match, cron, why: messageOf(error) })
      failing.add(name)
    }
  }

  const lookAtAll = async (): Promise<void> => {
    for (const one of wanted) if (!signal.aborted) await look(one)
  }
  return {
    look: lookAtAll,
    async run(): Promise<void> {
      while (wanted.length && !signal.aborted) {
        await lookAtAll()
        // a pattern has minutes; what could not be built is tried at each look
        await pause(15_000, signal)
      }
    },
  }
}
