import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '#test/helpers/redis-server.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { pushBody, startServe, type Serve } from '#test/helpers/serve.ts'
import { producer } from '#lib/queue/producer.ts'
import { worker } from '#lib/queue/worker.ts'
import { goal, series, type Bench, type Findings } from './harness.ts'
import { watchLog } from './parts/watch-log.ts'
import { scratch } from './parts/scratch.ts'
import { percentile } from './stats.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const rate = 200
const watchers = 200
const linesPerSecond = 500
const chunks = 20

export default {
  summary: 'The control plane: deliveries a second, and many readers of one live log',
  run: ({ n = 2000, signal, say }) =>
    scratch(signal, async (open): Promise<Findings> => {
      const redis = await startRedis()
      open.onClose(redis.stop)
      const config = join(open.folder, 'raibid.yaml')
      // nobody takes these jobs
      writeFileSync(config, 'repositories: [{ match: "**", pool: closed }]\npools: { closed: { max: 1 } }\n')
      const serve = await startServe({ RAIBID_HOME: open.folder, RAIBID_REDIS_URL: redis.url, RAIBID_CONFIG: config })
      open.onClose(async () => void (await serve.end()))
      say(`${n} deliveries, ${rate} a second`)
      await deliver(serve, 100, 1000, 'warm')
      const paced = await deliver(serve, n, rate, 'paced')
      say(`${n} deliveries, as many as it takes`)
      const begun = performance.now()
      await Promise.all(Array.from({ length: 20 }, (_, i) => deliver(serve, n / 20, Infinity, `all-${i}`)))
      const most = n / ((performance.now() - begun) / 1000)
      const made = Number(await redis.client().zcard('jobs'))
      if (made !== 2 * n + 100) throw new Error(`${2 * n + 100} deliveries became ${made} jobs`)
      say(`${watchers} readers of one log, ${linesPerSecond} lines a second`)
      const alone = await chatter(serve, redis, 0)
      const watched = await chatter(serve, redis, watchers)
      return {
        series: [
          series(`delivery → answered, ${rate}/s`, 'ms', paced),
          series('deliveries, 20 at a time', '/s', [most]),
          series(`line → reader, ${watchers} readers`, 'ms', watched.lag),
          series('append to the log, nobody reads', 'ms', alone.append),
          series(`append to the log, ${watchers} readers`, 'ms', watched.append),
        ],
        ratios: [],
        goals: [
          goal(`delivery → enqueued, ${rate}/s, p99`, { atMost: 20 }, percentile(paced, 0.99), 'ms'),
          goal(`line → reader, ${watchers} readers, p95`, { atMost: 1000 }, percentile(watched.lag, 0.95), 'ms'),
        ],
        notes: [
          'Deliveries: signed pushes of different commits over kept connections, from one process; the job is in Redis, on disk, when the answer comes. Each became one job: counted.',
          `Readers: as many live streams of one job’s log in one process beside it, ${linesPerSecond} lines of 100 bytes a second for ten seconds in ${chunks} chunks a second. Every reader got every line, in order: checked. An append is one call of the agent’s library, with its fsync.`,
        ],
      }
    }),
} satisfies Bench

/** Sends deliveries at a pace; gives how long each took, ms. */
async function deliver(serve: Serve, n: number, perSecond: number, name: string): Promise<number[]> {
  const took: number[] = []
  const sent: Promise<void>[] = []
  const begun = performance.now()
  for (let i = 0; i < n; i++) {
    const due = begun + (i * 1000) / perSecond
    if (due > performance.now()) await sleep(due - performance.now())
    const commit = Buffer.from(`${name}-${i}`).toString('hex').padEnd(40, '0').slice(0, 40)
    const one = async (): Promise<void> => {
      const at = performance.now()
      const body = pushBody({ url: 'https://git.example.org/me/app.git', commit, ref: `refs/heads/${name}-${i}` })
      const { status } = await serve
        .deliver(body, { id: `${name}-${i}` })
        .then(async (answer) => (await answer.arrayBuffer(), answer))
      took.push(performance.now() - at)
      if (status !== 201) throw new Error(`a delivery was answered with ${status}`)
    }
    if (perSecond === Infinity) await one()
    else sent.push(one())
  }
  await Promise.all(sent)
  return took
}

/** An agent that prints for ten seconds, and who reads it. */
async function chatter(serve: Serve, redis: Awaited<ReturnType<typeof startRedis>>, readers: number) {
  const client = redis.client()
  const { id } = await producer(client, {}, ['default', 'closed', 'talk']).enqueue({
    ...aSpec(),
    pool: 'talk',
    env: { READERS: String(readers) },
  })
  const agent = worker(client, `talker-${readers}`)
  await agent.claim('token', 'talk')
  const reading = Array.from({ length: readers }, () => watchLog(`${serve.url}/api/v1/jobs/${id}/log?format=sse`))
  await sleep(1000)
  const append: number[] = []
  const each = linesPerSecond / chunks
  let line = 0
  for (let seq = 1; seq <= 10 * chunks; seq++) {
    const at = performance.now()
    const lines = Array.from({ length: each }, (_, i) => `${line + i} ${Date.now()} `.padEnd(99, 'x'))
    await agent.log(id, 'token', [{ seq, kind: 'out', step: 0, text: `${lines.join('\n')}\n`, lines: each, line }])
    append.push(performance.now() - at)
    line += each
    await sleep(Math.max(0, 1000 / chunks - (performance.now() - at)))
  }
  await agent.finish(id, 'token', { state: 'success', reason: '', exitCode: 0, phases: [], steps: [] })
  const all = await Promise.all(reading)
  for (const one of all)
    if (one.lines.length !== line || one.lines.some((value, i) => value !== i))
      throw new Error(`a reader had ${one.lines.length} of ${line} lines`)
  return { append, lag: all.flatMap((one) => one.lag) }
}
