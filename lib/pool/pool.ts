import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keepOn, keeper as keeperOf } from '#lib/queue/keeper.ts'
import { limits as defaults } from '#lib/queue/limits.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { createAgents } from './agents.ts'
import { watchHangs } from './hangs.ts'
import { takeLock } from './lock.ts'
import { startRedis } from './redis-child.ts'
import { runScaler } from './scaling.ts'
import { forgetPool, knownProcess, notePool, runningPool } from './state.ts'

export interface PoolOptions {
  config: Config
  say: (text: string) => void
}

export interface Pool {
  redisUrl: string
  /** Ends it: `drain` waits for running jobs; `now` gives them back to the queue. A second call may hurry a first one. */
  stop: (how: 'drain' | 'now') => void
  /** Resolves when all is down. */
  stopped: Promise<void>
}

/**
 * The local pool: redis-server, keeper, scaler and agents of one RAIBID_HOME, in this process. RaibidError when another process runs it
 * already. What an earlier one left (a living redis-server, agents at work, jobs of dead agents) is taken over.
 */
export async function startPool({ config, say }: PoolOptions): Promise<Pool> {
  const { home, root, pools } = config
  const lock = await takeLock(home)
  if (!lock) throw new RaibidError(`a pool runs here already (pid ${runningPool(home)?.pid ?? 'unknown'}, ${home})`)
  const limits = { ...defaults, ...config.limits }
  const external = config.redisGiven ? config.redisUrl : null
  const redisChild = external ? null : await startRedis(home, say)
  const redisUrl = external ?? redisChild!.url
  if (redisChild?.adopted) say(`took over redis-server (pid ${redisChild.pid()})`)
  const redis = connectLasting(redisUrl)
  const names = Object.keys(pools)
  const keeper = keeperOf(redis, () => names, limits)
  const ending = new AbortController()

  let failures = 0
  let again = (): void => {}
  const agents = createAgents({
    root,
    home,
    redisUrl,
    // a warm agent leaves after 10–15 minutes, not all at one moment
    idleMs: (warm) => (warm ? 600_000 + Math.random() * 300_000 : config.agentIdleMs),
    say,
    async onEnd({ name, how, clean }) {
      const became = await release(name, `agent lost: ${how}`)
      // an agent killed at its work is no sign of a broken install; one that ends badly by itself is, with or without a job
      failures = clean ? 0 : how.startsWith('killed') ? failures : failures + 1
      if (!clean) say(`agent ${name} ended (${how})${became === 'none' ? '' : `; its job is ${became}`}`)
      again()
    },
  })

  /** A claim that was on its way when its agent died may reach Redis after the first release: a second look finds it. */
  async function release(name: string, reason: string): Promise<string> {
    const first = await keeper.release(name, reason, 'supervisor')
    setTimeout(() => void keeper.release(name, reason, 'supervisor').catch(() => {}), 250).unref()
    return first
  }

  const adopted = agents.adopt()
  if (adopted) say(`took over ${adopted} running agent${adopted === 1 ? '' : 's'}`)
  const keeping = keepOn(keeper, ending.signal, (error) => say(`keeper: ${messageOf(error)}`))
  const scaling = runScaler({
    redisUrl,
    pools,
    agents,
    signal: ending.signal,
    failures: () => failures,
    say,
    onWake: (wake) => (again = wake),
  })
  const hanging = watchHangs({ reader: readerOf(redis), redis, agents, lease: limits.lease, signal: ending.signal, say })
  const self = knownProcess(process.pid)
  notePool(home, { pid: process.pid, startTime: self?.startTime ?? '', pools, startedAt: Date.now() })

  let hurry = (): void => {}
  let how: 'drain' | 'now' | null = null
  const asked = new Promise<void>((resolve) => (hurry = resolve))
  const stopped = asked.then(async () => {
    ending.abort()
    await Promise.all([scaling, hanging])
    await emptied()
    await keeping
    redis.disconnect()
    await redisChild?.stop()
    forgetPool(home)
    rmSync(join(home, files.work), { recursive: true, force: true })
    lock.close()
  })

  /** Waits for the last agent. A drain lets each finish its job; `now` makes it give the job back, and kills it after ten seconds. */
  async function emptied(): Promise<void> {
    let since = 0
    let told: typeof how = null
    while (agents.names().length > 0) {
      if (told !== how) {
        ;[told, since] = [how, Date.now()]
        agents.signalAll(how === 'now' ? 'SIGTERM' : 'SIGUSR2')
      }
      if (how === 'now' && Date.now() - since > 10_000) agents.signalAll('SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    await agents.settled()
  }

  return {
    redisUrl,
    stopped,
    stop(wanted) {
      how = how === 'now' ? 'now' : wanted
      hurry()
    },
  }
}
