import { join } from 'node:path'
import { openStore } from '#lib/artifacts/store.ts'
import { keepSwept } from '#lib/artifacts/sweep.ts'
import type { Config } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { connectTask } from '#lib/queue/connect.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keepOn, keeper as keeperOf } from '#lib/queue/keeper.ts'
import { limits as defaults } from '#lib/queue/limits.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { queueSince } from '#lib/queue/since.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { createAgents } from './agents.ts'
import { emptied, type Ending } from './emptied.ts'
import { keepCaches } from './cache-upkeep.ts'
import { watchHangs } from './hangs.ts'
import { takeLock } from './lock.ts'
import { startRedis } from './redis-child.ts'
import { runScaler } from './scaling.ts'
import { forgetPool, knownProcess, notePool, runningPool } from './state.ts'

/** A command that waits for a Redis which never comes back (ioredis does not refuse it) must not keep the end. */
const within = (ms: number, done: Promise<unknown>): Promise<unknown> =>
  Promise.race([done, new Promise((resolve) => setTimeout(resolve, ms))])

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
  // one that somebody else runs must be there now; ours is started
  if (external)
    await connectTask(external).then(
      (probe) => probe.disconnect(),
      (error: unknown) => (lock.close(), Promise.reject(error)),
    )
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
    async onEnd({ name, how, clean, fault }) {
      const became = await release(name, `agent lost: ${how}`)
      failures = fault ? failures + 1 : clean ? 0 : failures
      if (!clean) say(`agent ${name} ended (${how})${became === 'none' ? '' : `; its job is ${became}`}`)
      again()
    },
  })

  /** A claim that was on its way when its agent died may reach Redis after the first release: a second look finds it. */
  async function release(name: string, reason: string): Promise<string> {
    // while Redis is away the release waits in the connection; whoever counts agents does not wait with it
    const first = await Promise.race([
      keeper.release(name, reason, 'supervisor'),
      new Promise<string>((resolve) => setTimeout(resolve, 3000, 'none')),
    ])
    setTimeout(() => void keeper.release(name, reason, 'supervisor').catch(() => {}), 250).unref()
    return first
  }

  const adopted = agents.adopt()
  if (adopted) say(`took over ${adopted} running agent${adopted === 1 ? '' : 's'}`)
  const keeping = keepOn(keeper, ending.signal, (error) => say(`keeper: ${messageOf(error)}`))
  const scaling = runScaler({
    home,
    redisUrl,
    pools,
    agents,
    signal: ending.signal,
    failures: () => failures,
    say,
    onWake: (wake) => (again = wake),
  })
  const hanging = watchHangs({ reader: readerOf(redis), redis, agents, lease: limits.lease, signal: ending.signal, say })
  const sweeping = keepSwept(() => openStore(config), { ...readerOf(redis), since: () => queueSince(redis) }, ending.signal, say)
  const startedAt = Date.now()
  const noteSelf = (stopping: boolean): void =>
    notePool(home, { pid: process.pid, startTime: knownProcess(process.pid)?.startTime ?? '', pools, startedAt, stopping })
  noteSelf(false)
  agents.keepSpare()
  keepCaches(config.cache, ending.signal, say)

  let hurry = (): void => {}
  let how: Ending = null
  const asked = new Promise<void>((resolve) => (hurry = resolve))
  const stopped = asked.then(async () => {
    ending.abort()
    noteSelf(true)
    await within(2000, agents.dropSpare())
    await within(2000, Promise.all([scaling, hanging, sweeping]))
    await emptied(agents, () => how)
    // what still waits for a Redis that is away is refused, so that nothing keeps the end
    redis.disconnect()
    await within(2000, keeping)
    await redisChild?.stop()
    forgetPool(home)
    for (const folder of [files.work, files.tmp]) await removeFolder(join(home, folder)).catch(() => {})
    lock.close()
  })

  return {
    redisUrl,
    stopped,
    stop(wanted) {
      how = how === 'now' ? 'now' : wanted
      hurry()
    },
  }
}
