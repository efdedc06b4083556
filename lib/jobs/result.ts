import { info, ok } from '#lib/cli/log.ts'
import { exitCodes } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import type { Open } from './open.ts'
import { shortId } from './show.ts'

/** Waits for a job's end, and tells its steps meanwhile: gives the exit code; RaibidError, with the reason, for what is no success. */
export async function waitForResult(open: Open, id: string, signal: AbortSignal): Promise<number> {
  for await (const entry of followLog(await open.another(), id, { live: true, signal })) {
    if (entry.kind === 'step' && !entry.phase) info(`▸ ${entry.name}`)
  }
  const job = await open.reader.job(id)
  if (signal.aborted) return exitCodes.interrupted
  if (job?.state === 'success') return (ok(`job ${shortId(id)} success`), exitCodes.done)
  throw new RaibidError(
    `job ${shortId(id)} ${job?.state ?? 'has been forgotten'}${job?.reason ? `: ${job.reason}` : ''}; its log: just tail ${shortId(id)}`,
  )
}
