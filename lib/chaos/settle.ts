import { setTimeout as sleep } from 'node:timers/promises'
import { keeper } from '#lib/queue/keeper.ts'
import { keys } from '#lib/queue/keys.ts'
import { isFinal, type JobState } from '#lib/queue/types.ts'
import { leftFiles, leftInQueue, leftProcesses } from './leftovers.ts'
import { chaosLimits, type World } from './world.ts'

/** So long nothing may happen before what is unfinished counts as lost, and so long what goes by itself may take, ms. */
const patience = { still: 45_000, leave: 20_000, stop: 20_000 }

/** Waits until every job is final and all have left; stops the pool. Gives what is left that should not be. */
export async function settle(
  world: World,
  deleted: Set<string>,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<string[]> {
  const { record, enqueuer, pool, folder, home, tmp, redisChild, children } = world
  const ids = new Set(enqueuer.acknowledged.flatMap((one) => one.ids))
  say('all faults are done: waiting for the last jobs')
  await untilAllFinal(
    world,
    [...ids].filter((id) => !deleted.has(id)),
    signal,
  )

  const left: string[] = []
  // what nobody released, the keeper sweeps after two leases; here it need not wait for its half minute
  const sweeper = keeper(record.redis, () => ['default'], chaosLimits)
  const away = (): string[] => [...pool.agents().map((name) => `agent ${name}`), ...leftFiles(home, tmp)]
  for (const end = Date.now() + patience.leave; Date.now() < end && !signal.aborted; await sleep(100)) {
    await sweeper.tend()
    await sweeper.clean()
    const held = (await record.redis.hlen(keys.agents)) + (await record.redis.zcard(keys.due('default')))
    if (away().length === 0 && held === 0 && children.size === 0) break
  }
  left.push(...away(), ...[...children].map((child) => `a process of a fault: ${child.spawnargs.join(' ')}`))
  if (await pool.stop(patience.stop)) left.push(`the supervisor: it did not stop within ${patience.stop} ms`)
  enqueuer.close()
  for (let i = 0; i < 20 && leftProcesses(folder, [process.pid, redisChild.pid()]).length > 0; i++) await sleep(100)
  left.push(...leftProcesses(folder, [process.pid, redisChild.pid()]))
  // the spare has gone with the supervisor
  left.push(...leftFiles(home, tmp).filter((file) => !left.includes(file)))
  left.push(...(await leftInQueue(record.redis, ids, deleted)))
  return left
}

/** Until every job is final; gives up when nothing has changed for long. */
async function untilAllFinal({ record }: World, ids: readonly string[], signal: AbortSignal): Promise<void> {
  let open = ids
  let [changes, since] = [0, Date.now()]
  while (!signal.aborted) {
    const seen = new Set(record.changes.filter(({ state }) => isFinal(state as JobState)).map(({ job }) => job))
    const unseen = open.filter((id) => !seen.has(id))
    const pipeline = record.redis.pipeline()
    for (const id of unseen) pipeline.hget(keys.job(id), 'state')
    const states = (await pipeline.exec()) ?? []
    open = unseen.filter((_, i) => !isFinal(states[i]?.[1] as JobState))
    if (open.length === 0) return
    if (record.changes.length !== changes) [changes, since] = [record.changes.length, Date.now()]
    if (Date.now() - since > patience.still) return
    await sleep(100)
  }
}
