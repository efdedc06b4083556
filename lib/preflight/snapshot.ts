/** The working tree as it is, as a commit that agents can clone; nothing in the user's own repository changes. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { gitWith } from '#lib/git.ts'
import { parseRepo } from '#lib/repo.ts'

export interface Snapshot {
  /** A bare repository that borrows what is committed from the user's, and holds the rest. */
  repo: string
  /** The user's branch; HEAD when there is none. */
  branch: string
  commit: string
  /** What it stands for: the address of the user's `origin`, else the folder. */
  origin: string
  /** Files that differ from the last commit. */
  changed: number
}

const run = promisify(execFile)

/**
 * Makes the snapshot of the repository that `path` is in, below the folder `into`. Uncommitted and untracked files are in it, ignored ones not.
 * RaibidError when there is no working tree, or git can't read it.
 */
export async function snapshot(path: string, into: string): Promise<Snapshot> {
  const top = await topOf(path)
  const at = gitWith([], top)
  const [branch, objects, index, format, head, remote] = await Promise.all([
    at('symbolic-ref', '--short', '--quiet', 'HEAD').catch(() => 'HEAD'),
    at('rev-parse', '--path-format=absolute', '--git-path', 'objects'),
    at('rev-parse', '--path-format=absolute', '--git-path', 'index'),
    at('rev-parse', '--show-object-format').catch(() => 'sha1'),
    at('rev-parse', '--verify', '--quiet', 'HEAD^{tree}').catch(() => ''),
    at('remote', 'get-url', 'origin').catch(() => ''),
  ])
  const repo = join(into, `${basename(top)}.git`)
  await mkdir(into, { recursive: true, mode: 0o700 })
  await run('git', [
    'init',
    '--quiet',
    '--bare',
    '--template=',
    `--object-format=${format}`,
    '--initial-branch=raibid',
    '--',
    repo,
  ])
  await mkdir(join(repo, 'objects/info'), { recursive: true })
  await writeFile(join(repo, 'objects/info/alternates'), `${objects}\n`)
  const env = {
    ...process.env,
    GIT_INDEX_FILE: join(repo, 'raibid-index'),
    GIT_OBJECT_DIRECTORY: join(repo, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects),
    ...author,
    LC_ALL: 'C',
  }
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', top, ...settings, ...args], { env, maxBuffer: 64 * 1024 * 1024 })).stdout.trim()
  try {
    // with the user's index git need not read again what has not changed
    await copyFile(index, env.GIT_INDEX_FILE).catch(() => {})
    await git('add', '--all').catch(async () => {
      await git('read-tree', ...(head ? [head] : ['--empty']))
      await git('add', '--all')
    })
    const tree = await git('write-tree')
    const commit = await git('commit-tree', tree, '-m', `preflight of ${branch}`)
    const changed = head
      ? lines(await git('diff-tree', '-r', '--name-only', '--no-renames', head, tree))
      : lines(await git('ls-files'))
    await run('git', ['--git-dir', repo, 'update-ref', branch === 'HEAD' ? 'refs/heads/raibid' : `refs/heads/${branch}`, commit])
    return { repo, branch, commit, origin: addressOf(remote) ?? top, changed }
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new RaibidError(`the working tree ${top} can't be read: ${stderr.trim().split('\n').at(-1) || messageOf(error)}`)
  }
}

/** A commit needs somebody; the same tree then is the same commit, whoever asks and when. */
const author = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'preflight'],
    [`GIT_${who}_EMAIL`, 'preflight@localhost'],
    [`GIT_${who}_DATE`, '1000000000 +0000'],
  ]),
)
const settings = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.splitIndex=false',
  'advice.addEmbeddedRepo=false',
  'core.safecrlf=false',
].flatMap((setting) => ['-c', setting])
/** A remote's address, unless it is none that a job may carry (a login in it, say). */
function addressOf(remote: string): string | null {
  try {
    return remote ? parseRepo(remote).url : null
  } catch {
    return null
  }
}

const lines = (text: string): number => (text ? text.split('\n').length : 0)

async function topOf(path: string): Promise<string> {
  try {
    return (
      await run('git', ['-C', path, 'rev-parse', '--show-toplevel'], { env: { ...process.env, LC_ALL: 'C' } })
    ).stdout.replace(/\n$/, '')
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    const why = /must be run in a work tree/.test(stderr)
      ? 'a bare repository, which has no working tree'
      : 'not inside a git repository'
    throw new RaibidError(`${path} is ${why}: there is nothing to try`)
  }
}
