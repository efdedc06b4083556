import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { Config } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { openStore } from '#lib/artifacts/store.ts'
import { messageOf } from '#lib/errors.ts'
import type { Answer, Worker } from '#lib/queue/worker.ts'
import type { Job } from '#lib/queue/types.ts'
import { preparePipe } from './pipe.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { attempt, type Outcome, type Stop } from './attempt.ts'
import { publishImage } from './images.ts'
import { startGuard } from './guard.ts'
import { keepLease } from './lease.ts'
import { maskWhole } from './mask.ts'
import { report, type Ran } from './report.ts'
import { openSecrets } from './secrets.ts'
import { createShipper, type Shipper } from './shipper.ts'
import { stepEnvironment } from '#lib/pipeline/step-env.ts'

export { preload } from './attempt.ts'

preparePipe()

export interface RunOptions {
  job: Job
  token: string
  /** The token to take the next job with, in the same call that reports this one. */
  next: string | null
  agent: string
  worker: Worker
  bell: () => Redis
  config: Config
  /** The key that opens secrets, when it is neither in the environment nor in its file. */
  secretKey?: string | undefined
  /** When the process became an agent, ms. */
  bornAt: number
  drain: AbortSignal
}

/** Runs one claimed job to its end and reports it. Everything it started is gone afterwards. */
export async function runJob(options: RunOptions): Promise<Ran> {
  const { job, token, agent, worker, config } = options
  const stop = new AbortController()
  const halt = (why: Stop): void => stop.abort(why)
  let shipper: Shipper | undefined

  function heed(answer: Answer): void {
    if (answer === 'cancel') halt('cancel')
    if (answer !== 'lost') return
    halt('lost')
    shipper?.stop()
  }

  const drained = (): void => halt('drain')
  options.drain.addEventListener('abort', drained)
  if (options.drain.aborted) drained()
  const lease = keepLease(() => worker.beat(job.id, token), heed)
  const bell = options.bell()
  void worker.onCancel(bell, job.id, () => halt('cancel')).catch(() => {}) // the beat tells it too, a second later
  const folder = join(config.home, files.work, `${agent}-${job.attempt}`)
  const guard = startGuard({ mark: agent, workspace: folder })
  let timer: NodeJS.Timeout | undefined
  let nextLease: ReturnType<typeof keepLease> | undefined
  try {
    const outcome = await build()
    const { next } = options
    const ran = await report({ job, token, next, worker, config, shipper, stop: stop.signal }, outcome)
    const { claimed } = ran
    // it is ours from now on, and removing a large workspace may take longer than a lease
    if (claimed?.kind === 'job')
      nextLease = keepLease(
        () => worker.beat(claimed.job.id, next!),
        () => {},
      )
    if (outcome.kind !== 'result') return ran
    const accepted = ran.ended
    const published = accepted === 'success' && (await publishImage(config, job, outcome.result.steps, agent).catch(messageOf))
    if (published) ran.ended += `; ${published}`
    lease.stop() // the job is reported
    await outcome.keep?.(accepted, options.drain).catch((error: unknown) => {
      ran.ended += `; not all of its caches were kept: ${messageOf(error)}`
    })
    return ran
  } finally {
    clearTimeout(timer)
    lease.stop()
    options.drain.removeEventListener('abort', drained)
    bell.removeAllListeners('message')
    await removeFolder(folder).catch(() => {})
    await guard.release()
    await bell.unsubscribe().catch(() => {})
    nextLease?.stop()
  }

  async function build(): Promise<Outcome> {
    const secrets = await openSecrets(job, config.home, options.secretKey)
    if (typeof secrets === 'string')
      return { kind: 'result', result: { state: 'failed', reason: secrets, exitCode: null, phases: [], steps: [] } }
    const redisPassword = decodeURIComponent(new URL(config.redisUrl!).password)
    const hidden = [...Object.values(secrets), ...config.git.credentials.map((one) => one.token), redisPassword].filter(Boolean)
    const append: Parameters<typeof createShipper>[0]['append'] = (chunks, now) => worker.log(job.id, token, chunks, now)
    shipper = createShipper({ append, secrets: hidden, onAnswer: heed, logBytes: config.limits.logJob })
    const onTimeout = (ms: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => halt('timeout'), ms)
    }
    const env = stepEnvironment({ base: process.env, extra: {}, pass: config.passEnv })
    const { credentials } = config.git
    return attempt({
      job,
      folder,
      mark: agent,
      env,
      secrets,
      credentials,
      shipper,
      stop: stop.signal,
      bornAt: options.bornAt,
      onTimeout,
      defaultTimeoutMs: config.jobTimeoutMs,
      longestMs: config.longestBuildMs,
      store: () => openStore(config),
      images: config,
      mask: (text) => maskWhole(text, hidden),
      cache: config.cache,
    })
  }
}
