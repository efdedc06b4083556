/** Tells the queue what became of a job, and takes back what counts no more. */
import { openStore } from '#lib/artifacts/store.ts'
import type { Config } from '#lib/config.ts'
import type { Job } from '#lib/queue/types.ts'
import type { Claimed, Worker } from '#lib/queue/worker.ts'
import type { Outcome } from './attempt.ts'
import type { Shipper } from './shipper.ts'

export interface Ran {
  /** What became of the job, in words. */
  ended: string
  /** The next one, when it was asked for and the report could bring it. */
  claimed: Claimed | null
}

export interface ReportOptions {
  job: Job
  token: string
  /** The token to take the next job with, in the same call. */
  next: string | null
  worker: Worker
  config: Config
  shipper: Shipper | undefined
  stop: AbortSignal
}

export async function report(options: ReportOptions, outcome: Outcome): Promise<Ran> {
  const { job, config } = options
  const ran = await settle(options, outcome)
  // the result was refused: another attempt's artifacts are those that count
  if (outcome.kind === 'result' && ran.ended.startsWith('lost') && outcome.result.phases.some((phase) => phase.artifacts?.length))
    await openStore(config)
      .then((store) => store.remove({ job: job.id, attempt: job.attempt }))
      .catch(() => {}) // what is left is swept
  return ran
}

async function settle({ job, token, next, worker, shipper, stop }: ReportOptions, outcome: Outcome): Promise<Ran> {
  if (stop.reason === 'lost') return { ended: 'lost: another attempt holds the job', claimed: null }
  // a Redis that is full refuses lines but takes results: whoever asked for the end must not wait for the last line
  await Promise.race([shipper?.flush(), afterStop(stop, 2000)])
  shipper?.stop()
  if (outcome.kind === 'release') {
    const became = await worker.release(token, outcome.how, outcome.reason)
    return { ended: `given back (${outcome.reason}): ${became}`, claimed: null }
  }
  if (!next) return { ended: await worker.finish(job.id, token, outcome.result), claimed: null }
  const { state, claimed } = await worker.finishAndClaim(job.id, token, outcome.result, next, job.pool)
  return { ended: state, claimed }
}

function afterStop(stop: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const soon = (): void => void setTimeout(resolve, ms).unref()
    if (stop.aborted) soon()
    else stop.addEventListener('abort', soon, { once: true })
  })
}
