import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { keys } from '#lib/queue/keys.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { parseJob } from '#lib/queue/parse.ts'
import type { Change, JobFacts } from './facts.ts'
import type { PlannedJob } from './jobs.ts'

export interface Gather {
  redis: Redis
  plans: Map<string, PlannedJob>
  changes: readonly Change[]
  deleted: ReadonlySet<string>
  effects: string
}

/** Everything that is to be known of these jobs, read at the end. */
export async function gatherJobs(ids: readonly string[], from: Gather): Promise<JobFacts[]> {
  const byJob = Map.groupBy(from.changes, (change) => change.job)
  const facts: JobFacts[] = []
  for (const id of ids) facts.push(await gatherJob(id, byJob.get(id) ?? [], from))
  return facts
}

async function gatherJob(id: string, changes: Change[], { redis, plans, deleted, effects }: Gather): Promise<JobFacts> {
  const plan = plans.get(id)!
  const hash = await redis.hgetall(keys.job(id))
  const log = await Array.fromAsync(followLog(redis, id))
  const cut: JobFacts['cut'] = {}
  for (const [field, value] of Object.entries(hash))
    if (field.startsWith('cut:')) cut[Number(field.slice(4))] = JSON.parse(value) as { lines: number; bytes: number }
  const done = effectsOf(join(effects, plan.name))
  return { id, plan, job: parseJob(id, hash), changes, log, cut, ...done, deleted: deleted.has(id) }
}

/** How often each attempt's steps said that they began, and ended. */
function effectsOf(path: string): Pick<JobFacts, 'began' | 'ended'> {
  const counted: Record<'begin' | 'end', Record<number, number>> = { begin: {}, end: {} }
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // it never ran
  }
  for (const [, word, attempt] of text.matchAll(/^(begin|end) (\d+)$/gm)) {
    const counts = counted[word as 'begin' | 'end']
    counts[Number(attempt)] = (counts[Number(attempt)] ?? 0) + 1
  }
  return { began: counted.begin, ended: counted.end }
}
