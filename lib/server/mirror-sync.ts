/** Asks Gitea to fetch a mirror whose source was pushed to; what was asked for once is done, also by the next instance. */
import type { Redis } from 'ioredis'
import type { Forge } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { gitea } from '#lib/forge/gitea.ts'
import { pause } from '#lib/queue/keeper.ts'
import { mirrorSyncs } from '#lib/queue/mirror-syncs.ts'
import type { Say } from './say.ts'

export interface MirrorSyncOptions {
  redis: Redis
  forges: Forge[]
  signal: AbortSignal
  say: Say
  /** Told of each mirror that Gitea will fetch, and when that was asked for; not waited for. */
  onAsked?: (mirror: { owner: string; name: string }, at: number) => Promise<void>
  /**
   * Several pushes within this time are one sync; between two looks for what others left; the longest wait after a failure (ten times that
   * where Gitea says no); when to give up what Gitea refuses, ms.
   */
  waits?: { debounce: number; look: number; longest: number; giveUp: number }
}

/** Until the signal. */
export function mirrorSync({
  redis,
  forges,
  signal,
  say,
  onAsked,
  waits = { debounce: 1000, look: 30_000, longest: 60_000, giveUp: 86_400_000 },
}: MirrorSyncOptions) {
  const wanted = mirrorSyncs(redis)
  const place = forges.find(({ kind }) => kind === 'gitea')
  let wake = (): void => {}
  const failures = new Map<string, { times: number; notBefore: number }>()

  async function look(client: ReturnType<typeof gitea>): Promise<number> {
    let next = waits.look
    for (const { mirror, at } of await wanted.all()) {
      const ready = Math.max(at + waits.debounce, failures.get(mirror)?.notBefore ?? 0) - Date.now()
      if (ready > 0) {
        next = Math.min(next, ready)
        continue
      }
      const [owner = '', name = ''] = mirror.split('/')
      try {
        await client.mirrorSync({ owner, name }, { signal, withinMs: 10_000 })
        failures.delete(mirror)
        await wanted.done(mirror, at)
        say('mirror', 'asked to fetch', { mirror })
        void onAsked?.({ owner, name }, at)
      } catch (error) {
        if (signal.aborted) break
        // a forge that is away comes back; a mirror that is not there, mostly not, and somebody has to see to it
        const refused = error instanceof RefusedError && error.retryAfterMs === null
        if (refused && Date.now() - at > waits.giveUp) {
          say('mirror', 'given up', { mirror, why: messageOf(error) })
          failures.delete(mirror)
          await wanted.done(mirror, at)
          continue
        }
        const times = (failures.get(mirror)?.times ?? 0) + 1
        const wait = Math.min(waits.longest * (refused ? 10 : 1), 1000 * 2 ** Math.min(times - 1, 20))
        failures.set(mirror, { times, notBefore: Date.now() + wait })
        next = Math.min(next, wait)
        if (times === 1) say('mirror', 'not fetched yet', { mirror, why: messageOf(error) })
      }
    }
    return Math.max(20, next)
  }

  return {
    /** Remembers that a mirror is to be fetched. */
    async ask(mirror: string): Promise<void> {
      await wanted.ask(mirror)
      wake()
    },
    async run(): Promise<void> {
      if (!place) return
      const client = gitea(place)
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => (wake = resolve))
        const ms = await look(client).catch((error: unknown) => {
          if (!signal.aborted) say('mirror', 'trouble', { why: messageOf(error) })
          return 1000
        })
        await Promise.race([woken, pause(ms, signal)])
      }
    },
  }
}
