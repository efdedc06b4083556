#!/usr/bin/env node
/** Is the agent of this container alive? 0: it beat within a lease, as Redis tells. Made for HEALTHCHECK, and for a person in the pod. */
import { hostname } from 'node:os'
import { loadConfig } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import { connectTask } from '#lib/queue/connect.ts'
import { limits } from '#lib/queue/limits.ts'
import { reader } from '#lib/queue/reader.ts'

/** Milliseconds since the agent's last beat; an error when it has none, or none within a lease. */
async function sinceBeat(): Promise<number> {
  const config = await loadConfig()
  if (!config.redisUrl) throw new Error(`there is no queue: set ${env.redisUrl}`)
  const redis = await connectTask(config.redisUrl, 3000)
  try {
    // without a name an agent calls itself after its process, which is some other number
    const name = process.env[env.agent]
    const isOurs = ({ agent }: { agent: string }): boolean => (name ? agent === name : agent.startsWith(`${hostname()}-`))
    const beats = (await reader(redis).agents()).filter(isOurs).map(({ beatAt }) => beatAt)
    if (!beats.length) throw new Error(`Redis knows no agent ${name ?? `${hostname()}-…`}`)
    const now = await redis.time()
    const since = Number(now[0]) * 1000 - Math.max(...beats)
    const lease = config.limits.lease ?? limits.lease
    if (since > lease) throw new Error(`the last beat is ${Math.round(since / 1000)} s old`)
    return since
  } finally {
    redis.disconnect()
  }
}

sinceBeat().then(
  (ms) => void process.stdout.write(`beats (${Math.max(0, ms)} ms ago)\n`),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  },
)
