import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keys } from '#lib/queue/keys.ts'
import type { Agents } from './agents.ts'
import { agentsToStart } from './scaler.ts'
import { onSettings, poolLimits } from './settings.ts'

export interface ScalerOptions {
  home: string
  redisUrl: string
  pools: Record<string, { max: number; warm: number }>
  agents: Agents
  signal: AbortSignal
  /** Agents in a row that ended by themselves with an error. */
  failures: () => number
  say: (text: string) => void
  /** Hands out a function that makes the scaler look again at once. */
  onWake: (wake: () => void) => void
}

/** When every job has an agent, another is started for warmth only: it can wait until the build has begun, ms (KEDA's interval is a second, too). */
const warmth = 1000

/** Agents in a row that may end so before the scaler waits between attempts. */
const patience = 3

/**
 * Starts agents until the signal: it looks whenever a job changes its state (blocking on the events), when an agent ends, and once a second.
 * While agents keep ending with an error of their own (a broken install, a bad password) it starts them ever more slowly, and says so.
 */
export async function runScaler(options: ScalerOptions): Promise<void> {
  const { agents, pools, signal } = options
  const redis = connectLasting(options.redisUrl)
  const events = connectLasting(options.redisUrl)
  const names = Object.keys(pools)
  let looking: Promise<void> | null = null
  let wanted = false
  let notBefore = 0
  let told = 0
  const coldSince = new Map<string, number>()

  /** Whether agents of the pool that nobody waits for are to be started by now. */
  function isTime(name: string): boolean {
    const since = coldSince.get(name) ?? Date.now()
    coldSince.set(name, since)
    if (Date.now() - since >= warmth) return true
    setTimeout(wake, warmth + since - Date.now()).unref()
    return false
  }

  async function look(): Promise<void> {
    const failures = options.failures()
    if (failures >= patience) {
      if (told !== failures) {
        notBefore = Date.now() + Math.min(30_000, 1000 * 2 ** (failures - patience))
        options.say(
          `needs a human: ${failures} agents in a row ended by themselves with an error; the next is tried more slowly (see the lines above)`,
        )
        told = failures
      }
      if (Date.now() < notBefore) return
    } else told = 0
    for (const name of names) {
      const { max, warm, paused } = poolLimits(options.home, name, pools[name]!)
      if (paused !== null) continue
      const entries = await redis.xlen(keys.stream(name))
      const alive = agents.count(name)
      const count = agentsToStart({ entries, agents: alive, max, warm })
      const forWarmth = count > 0 && alive > 0 && entries <= alive
      if (!forWarmth) coldSince.delete(name)
      else if (!isTime(name)) continue
      for (let i = 0; i < (failures >= patience ? Math.min(1, count) : count) && !signal.aborted; i++)
        agents.start(name, warm > 0)
    }
  }

  /** One look at a time; what is asked for meanwhile is one more look. */
  function wake(): void {
    wanted = true
    looking ??= (async () => {
      while (wanted && !signal.aborted) {
        wanted = false
        await look().catch(() => {}) // Redis away: the next look is a second off
      }
      looking = null
    })()
  }

  options.onWake(wake)
  onSettings(options.home, signal, wake)
  const timer = setInterval(wake, 1000)
  const stop = (): void => events.disconnect()
  signal.addEventListener('abort', stop)
  try {
    let last = (await events.xrevrange(keys.events, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'
    wake()
    while (!signal.aborted) {
      const reply = await events.xread('COUNT', 1000, 'BLOCK', 2000, 'STREAMS', keys.events, last)
      const entries = (reply?.[0]?.[1] ?? []) as [string, string[]][]
      last = entries.at(-1)?.[0] ?? last
      if (entries.length) wake()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', stop)
    redis.disconnect()
    events.disconnect()
    await (looking ?? Promise.resolve())
  }
}
