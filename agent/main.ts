#!/usr/bin/env node
/** Claims one job, runs it, and exits. 0: the agent did its work, whatever the build's result; anything else: the agent itself failed. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { env, rehearseFlag, secretsFlag, spareFlag } from '#lib/contract.ts'
import { messageOf } from '#lib/errors.ts'
import { giveBackMemory } from '#lib/give-back-memory.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { shownUrl } from '#lib/queue/connect.ts'
import { worker as workerOf, type Claimed } from '#lib/queue/worker.ts'
import type { Job } from '#lib/queue/types.ts'
import { ordersOf } from './orders.ts'
import { session } from './session.ts'

enableCompileCache()

/** SIGTERM: give the job back and go. SIGUSR2: finish the job, take no other. */
const drain = new AbortController()
const leave = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => (leave.abort(), drain.abort('drain')))
process.on('SIGUSR2', () => leave.abort())

const agent = process.env[env.agent] || `${hostname()}-${process.pid}`
const say = (text: string): void => void process.stderr.write(`${new Date().toISOString()} ${agent} ${text}\n`)

/** An agent that may wait so long for a job is a warm one, and has time to rehearse, ms. */
const warmFrom = 60_000

const spare = process.argv.includes(spareFlag)
// its supervisor has gone while it boots
if (spare) process.once('disconnect', () => process.exit(0))
let bornAt = Math.round(performance.timeOrigin)
let pool = process.env[env.pool] || 'default'

async function main(): Promise<number> {
  // first of all, and not into this process's environment: what it starts could inherit them
  const given = process.argv.includes(secretsFlag) ? (await import('./given.ts')).takeSecrets() : null
  const { loadConfig } = await import('#lib/config.ts')
  const config = await loadConfig(given ? { env: { ...process.env, ...given } } : {})
  const secretKey = given?.[env.secretKey]
  if (!config.redisUrl) throw new Error(`there is no queue: set ${env.redisUrl}`)
  const url = config.redisUrl
  const redis = connectLasting(url, { enableReadyCheck: false, lazyConnect: spare })
  let bell: ReturnType<typeof connectLasting> | undefined
  const openBell = (): NonNullable<typeof bell> => (bell ??= connectLasting(url, { enableReadyCheck: false }))
  const worker = workerOf(redis, agent, config.limits)
  // loaded while the connection is made and the first claim is on its way
  const runner = import('./run-job.ts')
  runner.catch(() => {})
  let rehearsed = false
  const rehearseOnce = async (): Promise<void> => {
    if (rehearsed) return
    rehearsed = true
    await (await import('./rehearsal.ts')).rehearse(agent, config)
    giveBackMemory()
  }
  if (spare) {
    await (await runner).preload()
    if (process.argv.includes(rehearseFlag)) await rehearseOnce()
    flushCompileCache() // for the next: most spares are ended by a signal, and write nothing at their end
    giveBackMemory()
    const orders = await ordersOf(leave.signal)
    if (!orders) return 0
    Object.assign(config, { agentIdleMs: orders.idleMs })
    pool = orders.pool
    bornAt = Date.now()
    redis.connect().catch(() => {})
  }
  let refused: (error: Error) => void = () => {}
  // a wrong password does not get better by waiting: say so and leave, so that whoever starts agents can see it
  const broken = new Promise<never>((_, reject) => (refused = reject))
  redis.on('error', (error) => {
    if (/WRONGPASS|NOAUTH|NOPERM/.test(error.message))
      refused(new Error(`Redis at ${shownUrl(url)} refuses this agent: ${error.message}`))
  })
  const late = setTimeout(
    () => redis.status !== 'ready' && refused(new Error(`cannot reach Redis at ${shownUrl(url)}`)),
    Math.max(30_000, config.agentIdleMs),
  )
  const run = async (job: Job, token: string, next: string | null): Promise<Claimed | null> => {
    clearTimeout(late)
    say(`claimed ${job.id} attempt ${job.attempt}`)
    const { ended, claimed } = await runner
      .then(({ runJob }) =>
        runJob({ job, token, next, agent, worker, bell: openBell, config, secretKey, bornAt, drain: drain.signal }),
      )
      .catch(async (error: unknown) => {
        // a broken agent says so on the job: it costs a try, like an agent that was lost
        await worker.release(token, 'lost', `agent error: ${messageOf(error)}`)
        throw error
      })
    say(`${job.id} attempt ${job.attempt}: ${ended}`)
    return claimed
  }
  try {
    const work = session({
      worker,
      bell: openBell,
      pool,
      maxJobs: config.agentMaxJobs,
      idleMs: config.agentIdleMs,
      onIdle: () => void runner.then(({ preload }) => preload()).then(config.agentIdleMs >= warmFrom ? rehearseOnce : null),
      leave: leave.signal,
      run,
    })
    const done = await Promise.race([work, broken])
    if (done === 0) say('leaves: nothing to do')
  } finally {
    clearTimeout(late)
    redis.disconnect()
    bell?.disconnect()
  }
  return 0
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(`failed: ${messageOf(error)}`)
    if (process.env['DEBUG'] === '1') console.error(error)
    process.exit(1)
  },
)
