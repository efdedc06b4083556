import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'
import { gitWith, type GitCredential } from '#lib/git.ts'
import type { Job } from '#lib/queue/types.ts'

const longest = 600_000

/** Checks a job's commit out below `folder`, as an agent does but for submodules: gives where. RaibidError when it can't be had any more. */
export async function checkout(job: Pick<Job, 'repo' | 'commit'>, folder: string, credentials: GitCredential[]): Promise<string> {
  const { repo, commit } = job
  const source = join(folder, 'src')
  const git = gitWith(credentials, undefined, longest)
  const format = commit.length === 64 ? 'sha256' : 'sha1'
  const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'advice.detachedHead=false']
  try {
    await git('init', '--quiet', '--template=', `--object-format=${format}`, '--initial-branch=raibid', source)
    await git('-C', source, ...quiet, 'fetch', '--quiet', '--no-tags', '--depth=1', '--end-of-options', repo, commit)
    await git('-C', source, ...quiet, 'checkout', '--quiet', '--detach', 'FETCH_HEAD')
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? 'git gave no reason'
    throw new RaibidError(`the commit ${commit} of ${repo} can't be had: ${said}`)
  }
  return source
}
