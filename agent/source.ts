import { mkdirSync } from 'node:fs'
import { messageOf } from '#lib/errors.ts'
import type { AttemptOptions } from './attempt-options.ts'
import { clone, CloneError } from './clone.ts'
import type { createMarks } from './marks.ts'

/** The commit that was checked out, or why there is none; `ours`: the machine's or the network's fault, not the repository's. */
export type Source = { commit: string } | { reason: string; ours: boolean }

/** Clones the job's commit into `workspace`, as the phase `clone`. `meanwhile` is called once git is at work. */
export async function getSource(
  { job, stop, shipper, credentials, mark, bornAt }: AttemptOptions,
  marks: ReturnType<typeof createMarks>,
  { workspace, tmp, meanwhile }: { workspace: string; tmp: string; meanwhile: () => void },
): Promise<Source> {
  let commit = job.commit
  let failure: unknown
  await marks.phase('clone', async (index, step) => {
    step.bornAt = bornAt
    try {
      for (const path of [workspace, tmp]) mkdirSync(path, { recursive: true, mode: 0o700 })
      const onOutput = (text: string): Promise<void> => shipper.write(index, text)
      const place = { repo: job.repo, branch: job.branch, commit, dir: workspace }
      const cloning = clone({ ...place, env: { ...process.env, TMPDIR: tmp }, mark, credentials, signal: stop, onOutput })
      meanwhile()
      commit = (await cloning).commit
      step.state = 'success'
    } catch (error) {
      failure = error
      step.state = 'failed'
      step.reason = messageOf(error) // git's own words are in the log already
    }
  })
  if (!failure) return { commit }
  const reason = `clone: ${messageOf(failure)}`
  const ours = (failure instanceof CloneError && ['network', 'disk'].includes(failure.kind)) || /ENOSPC|EDQUOT|EIO/.test(reason)
  return { reason, ours }
}
