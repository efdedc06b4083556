/** Keeps the files that a repository names as its artifacts: after its steps, also when one of them failed. */
import { findFiles } from '#lib/artifacts/find.ts'
import { mostOnRecord } from '#lib/artifacts/kept.ts'
import { maxFiles, type ArtifactStore } from '#lib/artifacts/store.ts'
import { formatBytes } from '#lib/bytes.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { messageOf } from '#lib/errors.ts'
import type { Job, Step } from '#lib/queue/types.ts'

export interface KeepOptions {
  job: Pick<Job, 'id' | 'attempt'>
  workspace: string
  patterns: readonly string[]
  store: () => Promise<ArtifactStore>
  signal: AbortSignal
  write: (text: string) => Promise<void>
}

const mostTold = 20

/** Writes into `phase` what was kept, and what was not and why. No reason for a build to fail: what goes wrong is said. */
export async function keepArtifacts(options: KeepOptions, phase: Step): Promise<void> {
  const { job, workspace, patterns, signal } = options
  const leftOut: string[] = []
  const say = (text: string): Promise<void> => options.write(`${safe(text)}\n`)
  try {
    const found = await findFiles(workspace, patterns, maxFiles)
    for (const pattern of found.unmatched) await say(`${pattern}: no file matches`)
    leftOut.push(...found.refused)
    if (found.cut) leftOut.push(`there are more files than the ${maxFiles} that a job may keep, or too many to look at`)
    const place = { job: job.id, attempt: job.attempt }
    const kept = found.paths.length
      ? await (await options.store()).put(place, workspace, found.paths, { signal, leftOut: (why) => void leftOut.push(why) })
      : []
    for (const why of leftOut.slice(0, mostTold)) await say(`left out: ${why}`)
    const bytes = kept.reduce((sum, one) => sum + one.bytes, 0)
    await say(`kept ${kept.length} file${kept.length === 1 ? '' : 's'}, ${formatBytes(bytes)}`)
    phase.artifacts = kept.slice(0, mostOnRecord)
    const reasons = [
      ...(kept.length > mostOnRecord ? [`${kept.length} files, of which the first ${mostOnRecord} are named here`] : []),
      ...(leftOut.length
        ? [`${leftOut.length > 1 ? `${leftOut.length} left out: ` : 'left out: '}${safe(leftOut[0]!).slice(0, 300)}`]
        : []),
    ]
    if (reasons.length) phase.reason = reasons.join('; ')
    phase.state = 'success'
  } catch (error) {
    // an unreachable store, a full disk: the result of the build stands all the same
    phase.state = 'failed'
    phase.reason = safe(messageOf(error)).slice(0, 300)
    if (!signal.aborted) await say(`nothing was kept: ${messageOf(error)}`)
  }
}
