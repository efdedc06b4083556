import { cacheSummary } from '#lib/cache/show.ts'
import { fail, info, ok, printJson } from '#lib/cli/log.ts'
import { terminalText } from '#lib/cli/terminal.ts'
import { exitCodes } from '#lib/contract.ts'
import { formatDuration } from '#lib/duration.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import type { Job } from '#lib/queue/types.ts'
import { failingStep, tellFailure } from './failure.ts'
import type { Open } from './open.ts'
import { logPrinter } from './print-log.ts'
import { duration, shortId } from './show.ts'

export interface FollowOptions {
  signal: AbortSignal
  /** One JSON document a line. */
  json: boolean
  /** Only the output of the step that failed, once it is known. */
  failed?: boolean
}

/** Prints a job's log to its end, and what became of it: gives the exit code. */
export async function follow(open: Open, id: string, { signal, json, failed = false }: FollowOptions): Promise<number> {
  const following = await open.another()
  const write = terminalText(process.stdout)
  const print = json ? (entry: object): void => printJson(entry, { line: true }) : logPrinter({ out: write, story: info })
  // with `failed` the whole log is followed silently: which step failed is known at its end
  for await (const entry of followLog(following, id, { live: true, signal })) if (!failed) print(entry)
  if (signal.aborted) return exitCodes.interrupted
  const job = await open.reader.job(id)
  if (!job) return (fail(`job ${id} has been forgotten meanwhile`), exitCodes.failed)
  const broken = failingStep(job)
  if (failed && broken !== null) {
    for await (const entry of followLog(open.redis, id)) {
      if (entry.attempt === job.attempt && 'step' in entry && entry.step === broken) print(entry)
    }
  }
  const code = job.state === 'success' ? exitCodes.done : exitCodes.failed
  if (json) return code
  tellResult(job)
  for (const line of await tellFailure(open.redis, job, failed)) info(line)
  return code
}

function tellResult(job: Job): void {
  const took = duration(job)
  const facts = [took === null ? '' : formatDuration(took), cacheSummary(job.phases)].filter(Boolean).join('; ')
  const text = `job ${shortId(job.id)} ${job.state}${job.reason ? `: ${job.reason}` : ''}${facts && ` (${facts})`}`
  if (job.state === 'success') ok(text)
  else fail(text)
}
