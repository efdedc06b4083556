/** From a signed delivery to a job: exactly one, whenever we are killed on the way: what is sent again is the same job, and what is not is found by polling. */
import { UsageError } from '#lib/errors.ts'
import { env as names } from '#lib/contract.ts'
import { secretKey, seal } from '#lib/seal.ts'
import { deliveries } from '#lib/queue/deliveries.ts'
import type { Producer } from '#lib/queue/producer.ts'
import type { Reader } from '#lib/queue/reader.ts'
import type { Job, JobSpec } from '#lib/queue/types.ts'
import { parseRepo, verifyBranch } from '#lib/repo.ts'
import type { Redis } from 'ioredis'
import type { Decision } from './policy.ts'

export interface DeliverOptions {
  redis: Redis
  jobs: Producer
  reader: Reader
  home: string
  /** Where the values of secrets are. */
  env: NodeJS.ProcessEnv
  /** With which they are sealed, where the environment names no other; default: the key of this home. */
  key?: string | undefined
  /** Remembers that Gitea is to fetch a mirror anew. */
  sync: (mirror: string) => Promise<void>
}

/** The source of what nobody told of (lib/server/poll.ts). */
export const finder = 'poll'

export interface Delivered {
  outcome: 'enqueued' | 'held' | 'duplicate' | 'ignored' | 'sync'
  reason: string
  job?: string
}

/** Does what was decided about the delivery `id` of `source`. Throws UsageError for what no job may be, and what Redis throws. */
export async function deliver(options: DeliverOptions, source: string, id: string, decision: Decision): Promise<Delivered> {
  if (decision.do === 'nothing') return { outcome: 'ignored', reason: decision.reason }
  if (decision.do === 'sync') {
    await options.sync(decision.mirror)
    return { outcome: 'sync', reason: decision.reason }
  }
  const { spec, options: how, cancelRunning } = decision
  const { jobs, reader, redis } = options
  // what a forge names, a git will be told
  const repo = parseRepo(spec.repo)
  if (repo.kind === 'path') throw new UsageError('the repository of a webhook has a URL; this one names a folder')
  const checked = { ...spec, repo: repo.url, branch: verifyBranch(spec.branch) }
  const known = deliveries(redis)
  const { job: wanted, again, found } = await known.idFor(source, id, checked)
  if (found && (source === 'gitea' || source === 'github')) {
    await known.becomes(source, id, found, checked)
    return { outcome: 'duplicate', reason: 'this push was found before it was told of', job: found }
  }
  const { sealed, missing } = sealedFor(options, checked, wanted)
  const { id: job, deduplicated } = await jobs.enqueue(checked, { ...how, id: wanted, ...(sealed && { sealed }) })
  if (deduplicated) await known.becomes(source, id, job)
  if (source === finder && !deduplicated) await known.foundAs(checked, job)
  if (cancelRunning) await cancelOlder(jobs, await reader.running(spec.pool), checked, job)
  const reason = [
    ...(again ? ['this delivery has been seen before'] : deduplicated ? ['the same build is unfinished already'] : []),
    ...(how.hold ? [how.hold] : []),
    ...(missing.length ? [`without a value for the secret ${missing.join(', ')}: it is not in the environment of serve`] : []),
  ].join('; ')
  return { outcome: again || deduplicated ? 'duplicate' : how.hold ? 'held' : 'enqueued', reason, job }
}

export function sealedFor(
  { env, home, key }: Pick<DeliverOptions, 'env' | 'home' | 'key'>,
  { secrets }: Pick<JobSpec, 'secrets'>,
  job: string,
): { sealed?: string; missing: string[] } {
  const given = secrets.filter((name) => env[name])
  const missing = secrets.filter((name) => !env[name])
  if (!given.length) return { missing }
  const values = Object.fromEntries(given.map((name) => [name, env[name]!]))
  return { sealed: seal(values, secretKey(home, true, env[names.secretKey] || key), job), missing }
}

/** Ends what runs for the same branch at another commit. */
async function cancelOlder(jobs: Producer, running: Job[], spec: JobSpec, job: string): Promise<void> {
  const older = running.filter(
    (one) =>
      one.id !== job &&
      one.commit !== spec.commit &&
      one.repo === spec.repo &&
      one.branch === spec.branch &&
      one.pipeline === spec.pipeline &&
      Boolean(one.fork) === Boolean(spec.fork),
  )
  for (const one of older) await jobs.cancel(one.id, `superseded by ${spec.commit.slice(0, 7)}`)
}
