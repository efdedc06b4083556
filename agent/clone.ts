/** Gets a repository's exact commit into the workspace: shallow, with submodules, safe from hostile names and contents. */
import { mkdirSync } from 'node:fs'
import { appendFile, lstat, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#lib/errors.ts'
import type { GitCredential } from '#lib/git-credentials.ts'
import { parseRepo, verifyBranch, verifyCommit } from '#lib/repo.ts'
import { CloneError, errorOf } from './clone-error.ts'
import { gitIn, trustLocal, type Git } from './git.ts'

export { CloneError } from './clone-error.ts'
export type Credential = GitCredential

export interface CloneOptions {
  /** A URL without credentials, or a path. */
  repo: string
  /** Empty: the repository's default branch. */
  branch: string
  /** Full object id; empty: the head of the branch. */
  commit: string
  /** The workspace: created when missing, otherwise empty. */
  dir: string
  env: NodeJS.ProcessEnv
  /** Value of RAIBID_MARK for git and all it starts. */
  mark: string
  credentials: Credential[]
  signal: AbortSignal
  onOutput(text: string): void | Promise<void>
}

/**
 * Clones into `dir`, which then stands on the commit (no branch). Throws CloneError, whose `kind` says whether another try can help;
 * UsageError for names that git would misread; when aborted, the signal's reason.
 */
export async function clone(options: CloneOptions): Promise<{ commit: string }> {
  const repo = parseRepo(options.repo)
  const branch = options.branch && verifyBranch(options.branch)
  const commit = options.commit && verifyCommit(options.commit)
  const { dir, onOutput } = options
  mkdirSync(dir, { recursive: true })
  const local = repo.kind === 'path' ? repo.url : ''
  const git = gitIn({ ...options, local })
  const ref = branch ? `refs/heads/${branch}` : 'HEAD'

  const remember = (): Promise<void> =>
    // Relative URLs of submodules count from here.
    appendFile(join(dir, '.git', 'config'), `[remote "origin"]\n\turl = ${JSON.stringify(repo.url)}\n`)
  const open = async (format: string): Promise<void> => {
    await must(git, 'init', '--quiet', '--template=', '--initial-branch=raibid', `--object-format=${format}`)
    if (local) trustLocal(dir, local)
    await remember()
  }
  const fetchHead = (): Promise<string> => must(git, ...fetch, '--depth=1', 'origin', ref)

  async function theLongWay(): Promise<void> {
    await open(format)
    if (commit) await fetchCommit(git, commit, ref)
    else {
      await fetchHead().catch(async (error: unknown) => {
        if (!/mismatched algorithms/.test(messageOf(error))) throw error
        await rm(join(dir, '.git'), { recursive: true })
        await open('sha256')
        await fetchHead()
      })
    }
    const target = commit || 'FETCH_HEAD'
    await must(git, 'checkout', '--quiet', '--detach', '--force', '--no-recurse-submodules', target)
  }

  const format = commit.length === 64 ? 'sha256' : 'sha1'
  if (local) {
    mkdirSync(join(dir, '.git'))
    trustLocal(dir, local)
  }
  // nothing before this waits: when `clone` has been called git runs, and the caller can use the time
  const running = git.script(inOne, format, repo.url, commit || ref)
  running.catch(() => {}) // awaited below
  await onOutput(`Cloning ${repo.url} at ${commit || branch || 'HEAD'}\n`)
  const quick = await running
  if (quick.exitCode === 0) await remember()
  else {
    // whatever is the matter, the long way finds out, and says so
    await rm(join(dir, '.git'), { recursive: true, force: true })
    await theLongWay()
  }
  await updateSubmodules(git, dir)
  // Detached: the file holds the id itself.
  return { commit: verifyCommit((await readFile(join(dir, '.git', 'HEAD'), 'utf8')).trim()) }
}

/** What nearly always does. $1: object format, $2: address, $3: commit or ref. */
const inOne = `git init --quiet --template= --initial-branch=raibid "--object-format=$1" &&
git fetch --no-tags --no-recurse-submodules --quiet --depth=1 -- "$2" "$3" &&
exec git checkout --quiet --detach --force --no-recurse-submodules FETCH_HEAD`

const fetch = ['fetch', '--no-tags', '--no-recurse-submodules', '--quiet']

/** Runs git; throws CloneError unless it ends well. Gives what it printed. */
async function must(git: Git, ...args: string[]): Promise<string> {
  const { exitCode, signal, text } = await git(...args)
  if (exitCode === 0) return text
  throw errorOf(text, `git ${args[0]} ended with ${signal ?? `exit code ${exitCode}`}`)
}

/** By its id; where the server does not give out a commit by its id, the branch, and in the end everything, until it is there. */
async function fetchCommit(git: Git, commit: string, ref: string): Promise<void> {
  const all = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']
  const tries = [
    ['--depth=1', 'origin', commit],
    ['--depth=50', 'origin', ref],
    ['--unshallow', 'origin', ...all],
    ['origin', ...all],
  ]
  let last: CloneError | undefined
  for (const [nth, args] of tries.entries()) {
    const { exitCode, text } = await git(...fetch, ...args)
    last = exitCode === 0 ? undefined : errorOf(text, `git fetch ended with exit code ${exitCode}`)
    if (last && last.kind !== 'unusable' && !last.aboutRef) throw last
    // a commit that was fetched by its id is there
    if (!last && (nth === 0 || (await git('cat-file', '-e', `${commit}^{commit}`)).exitCode === 0)) return
  }
  throw last && !last.aboutRef ? last : new CloneError('missing', `the repository has no commit ${commit}`)
}

async function updateSubmodules(git: Git, dir: string): Promise<void> {
  const modules = await lstat(join(dir, '.gitmodules')).catch(() => null)
  if (!modules) return
  if (!modules.isFile()) throw new CloneError('unusable', '.gitmodules is not a regular file')
  const update = ['submodule', '--quiet', 'update', '--init', '--recursive', '--force', '--jobs=4']
  const shallow = await git(...update, '--depth=1')
  if (shallow.exitCode === 0) return
  const failed = errorOf(shallow.text, 'git submodule update failed')
  if (failed.kind === 'network' || failed.kind === 'refused') throw failed
  // A server that does not give out commits by their id needs the whole history of the submodule.
  await git('submodule', '--quiet', 'foreach', '--recursive', 'git fetch --quiet --unshallow || :')
  await must(git, ...update)
}
