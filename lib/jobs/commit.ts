import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { gitWith, type GitCredential } from '#lib/git.ts'

export interface Head {
  branch: string
  commit: string
}

const isPath = (repo: string): boolean => repo.startsWith('/')

/**
 * What is to be built: the branch (default: the repository's own default) and its head, or the commit given. RaibidError when there is no such branch
 * or commit, UnreachableError when a remote repository does not answer.
 */
export async function resolveHead(
  repo: string,
  branch: string | undefined,
  commit: string | undefined,
  credentials: GitCredential[],
): Promise<Head> {
  if (isPath(repo)) return localHead(repo, branch, commit)
  const git = gitWith(credentials)
  if (commit && !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit))
    throw new RaibidError(`--commit: ${repo} is not on this machine, so a full commit id is needed`)
  if (commit && branch) return { branch, commit }
  const patterns = branch ? [`refs/heads/${branch}`] : ['HEAD']
  let lines: string
  try {
    lines = await git('ls-remote', '--symref', '--end-of-options', repo, ...patterns)
  } catch (error) {
    throw unreadable(repo, error as { stderr?: string; killed?: boolean })
  }
  const name = branch ?? /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(lines)?.[1] ?? ''
  const wanted = branch ? `refs/heads/${branch}` : 'HEAD'
  // the pattern of ls-remote also matches refs that merely end in it
  const id = lines
    .split('\n')
    .map((line) => line.split('\t'))
    .find(([object, ref]) => ref === wanted && /^[0-9a-f]{40,64}$/.test(object!))?.[0]
  if (!id) throw new RaibidError(branch ? `${repo} has no branch "${branch}"` : `${repo} is empty`)
  return { branch: name || 'HEAD', commit: commit ?? id }
}

async function localHead(repo: string, branch: string | undefined, commit: string | undefined): Promise<Head> {
  const at = gitWith([], repo)
  const [folder, head] = await Promise.all([
    at('rev-parse', '--git-dir', '--show-prefix').catch((error: { stderr?: string }) =>
      Promise.reject(new RaibidError(notReadable(repo, error.stderr))),
    ),
    // a checkout of a bare commit is on no branch: what is built is that commit
    branch ?? at('symbolic-ref', '--short', 'HEAD').catch(() => 'HEAD'),
  ])
  if (folder.includes('\n'))
    throw new RaibidError(`${repo} is a folder inside a git repository; name the repository's own folder`)
  const wanted = commit ?? (head === 'HEAD' ? 'HEAD' : `refs/heads/${head}`)
  const id = await at('rev-parse', '--verify', '--quiet', '--end-of-options', `${wanted}^{commit}`).catch(() => '')
  if (!id)
    throw new RaibidError(commit ? `${repo} has no commit ${commit}` : `${repo} has no branch "${head}"${await others(at)}`)
  return { branch: head, commit: id }
}

const notReadable = (repo: string, words = ''): string =>
  /not a git repository|cannot change to/.test(words)
    ? `${repo} is not a git repository`
    : `${repo} can't be read: ${lastLine(words)}`

/** Reached but refused is a failure; not reached is exit 3. */
function unreadable(repo: string, { stderr = '', killed }: { stderr?: string; killed?: boolean }): RaibidError {
  const words = killed ? 'no answer within 15 s' : lastLine(stderr)
  if (/could not read (Username|Password)|Authentication failed|error: 40[13]|Permission denied/i.test(stderr))
    return new RaibidError(`${repo} wants a login: ${words}; give one in RAIBID_GIT_CREDENTIALS (host<TAB>user<TAB>token)`)
  if (/not found|error: 404|does not exist|not appear to be a git repository/i.test(stderr))
    return new RaibidError(`there is no repository ${repo} (${words}); a private one wants a login in RAIBID_GIT_CREDENTIALS`)
  return new UnreachableError(`cannot reach ${repo}: ${words}; check the address`)
}

async function others(at: (...args: string[]) => Promise<string>): Promise<string> {
  const list = (await at('for-each-ref', '--count=8', '--format=%(refname:short)', 'refs/heads').catch(() => ''))
    .split('\n')
    .filter(Boolean)
  return list.length ? `; it has ${list.join(', ')}` : '; it has no branch yet'
}

/** When a commit was made, ms since the epoch; 0 when the repository won't tell. Of a remote one only the commit itself is fetched. */
export async function commitDate(repo: string, commit: string, credentials: GitCredential[]): Promise<number> {
  // the object itself: `git show` would run what the repository's configuration names
  const dated = async (git: ReturnType<typeof gitWith>): Promise<string> =>
    /^committer .* (\d+) [+-]\d{4}$/m.exec(await git('cat-file', 'commit', commit))?.[1] ?? '0'
  const seconds = isPath(repo) ? dated(gitWith([], repo)) : inScratch()
  return Number(await seconds.catch(() => '0')) * 1000

  async function inScratch(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'raibid-commit-'))
    try {
      const git = gitWith(credentials)
      await git('init', '--quiet', '--bare', folder)
      await git('-C', folder, 'fetch', '--quiet', '--depth=1', '--filter=tree:0', '--end-of-options', repo, commit)
      return await dated(gitWith([], folder))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

const lastLine = (text = ''): string =>
  text
    .trim()
    .split('\n')
    .findLast((line) => /fatal|error/i.test(line))
    ?.replace(/^(fatal|error): /, '')
    .slice(0, 200) ?? 'git gave no reason'
