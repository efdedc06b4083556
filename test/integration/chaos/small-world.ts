import { appendFileSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { audit } from '#lib/chaos/audit.ts'
import { gatherJobs } from '#lib/chaos/gather.ts'
import { logBound, makeJob, outputOf, resultOf, specOf, type JobKind, type PlannedJob } from '#lib/chaos/jobs.ts'
import { leftFiles, leftInQueue } from '#lib/chaos/leftovers.ts'
import { random } from '#lib/chaos/random.ts'
import { startRecorder } from '#lib/chaos/recorder.ts'
import { keeper } from '#lib/queue/keeper.ts'
import { producer } from '#lib/queue/producer.ts'
import { assemble, commandName, type ScriptName } from '#lib/queue/scripts.ts'
import { worker, type Chunk } from '#lib/queue/worker.ts'
import type { TestRedis } from '#test/helpers/redis-server.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const limits = { lease: 400, backoff: 50, logJob: logBound }
/** A change to the text of scripts, made on purpose: what to find, and what to put there. */
export type Sabotage = Partial<Record<ScriptName, [find: string, put: string]>>

/**
 * The real queue, recorder and audit, with agents that are driven step by step in this process. Each script of `sabotage` is put on the
 * connection before the real one could be.
 */
export async function smallWorld(server: TestRedis, sabotage: Sabotage = {}) {
  const redis: Redis = server.client()
  await redis.flushall()
  for (const [name, [find, put]] of Object.entries(sabotage) as [ScriptName, [string, string]][]) {
    const text = assemble(name, limits)
    if (!text.includes(find)) throw new Error(`${name}.lua has no ${JSON.stringify(find)}: the sabotage is out of date`)
    redis.defineCommand(commandName(name, limits), { numberOfKeys: 0, lua: text.replace(find, put) })
  }
  const home = mkdtempSync(join(tmpdir(), 'raibid-small-'))
  const effects = join(home, 'effects')
  mkdirSync(effects)
  const record = startRecorder(server.url, home)
  const jobs = producer(redis, limits)
  const plans = new Map<string, PlannedJob>()
  const acknowledged: { plan: PlannedJob; ids: string[] }[] = []
  const dice = random(7)

  const world = {
    redis,
    home,
    record,
    jobs,
    keeper: keeper(redis, () => ['default'], limits),
    async enqueue(kind: JobKind = 'short', times = 1): Promise<string> {
      const plan = { ...makeJob(`job${acknowledged.length}`, kind, dice), lines: 6 }
      const spec = specOf(plan, { repo: '/srv/app', commit: 'a'.repeat(40), effects })
      const ids: string[] = []
      for (let n = 0; n < times; n++) ids.push((await jobs.enqueue(spec, times > 1 ? { key: plan.name } : {})).id)
      for (const id of ids) plans.set(id, plan)
      acknowledged.push({ plan, ids })
      return ids[0]!
    },
    /** An agent that has claimed a job, and now does what it is told. */
    async agent(name: string) {
      const me = worker(redis, name, limits)
      const claimed = await me.claim(`token-${name}`, 'default')
      if (claimed.kind !== 'job') throw new Error(`${name} got no job`)
      const { id, attempt } = claimed.job
      const plan = plans.get(id)!
      const [work, close] = outputOf(plan, attempt)
      const result = resultOf(plan, attempt)
      const took = 100 * attempt + name.length
      const steps = [0, result.exitCode].map((exitCode, n) => ({
        name: `step${n}`,
        state: exitCode === 0 ? ('success' as const) : ('failed' as const),
        exitCode,
        durationMs: took + n,
      }))
      let line = 0
      const chunk = (seq: number, kind: Chunk['kind'], step: number, text: string): Chunk => {
        const lines = kind === 'out' ? text.split('\n').length - 1 : 0
        line += lines
        return { seq, kind, step, text, lines, line: line - lines }
      }
      const half = work.indexOf('\n', work.length / 2) + 1
      const chunks = [
        chunk(1, 'out', 1, work.slice(0, half)),
        chunk(2, 'out', 1, work.slice(half)),
        chunk(3, 'done', 1, JSON.stringify(steps[0])),
        chunk(4, 'out', 2, close),
        chunk(5, 'done', 2, JSON.stringify(steps[1])),
      ]
      const effect = (word: string): void => appendFileSync(join(effects, plan.name), `${word} ${attempt}\n`)
      effect('begin')
      return {
        id,
        attempt,
        log: async (from = 0, to = chunks.length) => {
          for (const one of chunks.slice(from, to)) await me.log(id, `token-${name}`, [one])
          if (to === chunks.length) effect('end')
        },
        beat: () => me.beat(id, `token-${name}`),
        finish: () => me.finish(id, `token-${name}`, { ...result, phases: [], steps }),
      }
    },
    /** The broken invariants, each once. `sampled`: has the recorder seen the present? */
    async broken(): Promise<string[]> {
      const seen = Date.now()
      await waitFor('two more samples', () => record.samples.filter(({ at }) => at > seen).length > 1)
      const [last] = await redis.xrevrange('ci-events', '+', '-', 'COUNT', 1)
      await waitFor(
        'the last change',
        () => record.changes.length === 0 || record.changes.at(-1)!.at >= Number(last![0].split('-')[0]) - 50,
      )
      const ids = [...new Set(acknowledged.flatMap((one) => one.ids))]
      const facts = {
        max: 1,
        logBound,
        acknowledged,
        jobs: await gatherJobs(ids, { redis, plans, changes: record.changes, deleted: new Set(), effects }),
        strangers: [],
        samples: record.samples,
        agents: record.agents,
        left: [...leftFiles(home, join(home, 'tmp')), ...(await leftInQueue(redis, new Set(ids), new Set()))],
      }
      return [...new Set(audit(facts).map(({ invariant }) => invariant))].sort()
    },
    async close(): Promise<void> {
      await record.stop()
    },
  }
  return world
}

export type SmallWorld = Awaited<ReturnType<typeof smallWorld>>
