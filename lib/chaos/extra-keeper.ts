/** One more keeper, as a process: any number of them may run at once. */
import { loadConfig } from '#lib/config.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { keeper, keepOn } from '#lib/queue/keeper.ts'

const { redisUrl, limits, pools } = await loadConfig()
const ending = new AbortController()
process.once('SIGTERM', () => ending.abort())
// whoever started it is gone: so is its reason
process.once('disconnect', () => ending.abort())
const redis = connectLasting(redisUrl!)
await keepOn(
  keeper(redis, () => Object.keys(pools), limits),
  ending.signal,
)
redis.disconnect()
