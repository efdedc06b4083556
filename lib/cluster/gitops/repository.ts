import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cluster } from '#lib/contract.ts'
import { messageOf, RaibidError, UnreachableError } from '#lib/errors.ts'
import { gitWith } from '#lib/git.ts'
import type { RepoName } from '#lib/forge/types.ts'
import type { Files } from './merge.ts'

export interface Place {
  /** Gitea, as this machine reaches it. */
  url: string
  login: { user: string; password: string }
}

const fleet = { owner: cluster.configOwner, name: cluster.configRepo }

export interface Edit {
  write: Files
  remove: readonly string[]
  message: string
}

const author = ['-c', 'user.name=raibid-ci', '-c', 'user.email=raibid-ci@gitea.invalid', '-c', 'commit.gpgsign=false']
const tries = 3

/** Every text file of the repository, by path. */
function filesIn(folder: string): Files {
  const paths = globSync('**/*', { cwd: folder, exclude: (name) => name === '.git' }).concat(
    globSync('.raibid/*', { cwd: folder }),
  )
  const isFile = (path: string): boolean => statSync(join(folder, path), { throwIfNoEntry: false })?.isFile() ?? false
  return Object.fromEntries(paths.filter(isFile).map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}

/**
 * Commits to the config repository what `edit` makes of what stands there (null: nothing to do), and gives the commit that is its head then; null for an empty
 * one. Whoever pushes in between is not overwritten: it is asked again, on top of theirs. The password goes by a credential helper.
 */
export async function commitTo(
  { url, login }: Place,
  edit: (there: Files) => Edit | null,
  repo: RepoName = fleet,
): Promise<string | null> {
  const address = `${url}/${repo.owner}/${repo.name}.git`
  const git = gitWith([{ host: new URL(url).host, user: login.user, token: login.password }], undefined, 60_000)
  const folder = mkdtempSync(join(tmpdir(), 'raibid-fleet-'))
  const run = (...args: string[]): Promise<string> => git('-C', folder, ...author, ...args)
  try {
    await git('init', '-q', '-b', 'main', folder)
    for (let n = 1; ; n++) {
      const heads = await run('ls-remote', address, 'refs/heads/main')
      if (heads) {
        await run('fetch', '-q', '--depth', '1', address, 'refs/heads/main')
        await run('checkout', '-q', '-f', '-B', 'main', 'FETCH_HEAD')
      }
      const wish = edit(filesIn(folder))
      if (!wish) return heads ? heads.split('\t')[0]! : null
      apply(folder, wish)
      await run('add', '-A', '-f')
      await run('commit', '-q', '--allow-empty', '-m', wish.message)
      try {
        await run('push', '-q', address, 'main:refs/heads/main')
        return await run('rev-parse', 'HEAD')
      } catch (error) {
        if (n === tries || !/rejected|fetch first|non-fast-forward/.test(messageOf(error))) throw error
      }
    }
  } catch (error) {
    throw failed(address, error)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function apply(folder: string, { write, remove }: Edit): void {
  for (const path of remove) rmSync(join(folder, path), { force: true })
  for (const [path, text] of Object.entries(write)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    if (existsSync(join(folder, path))) rmSync(join(folder, path))
    writeFileSync(join(folder, path), text)
  }
}

function failed(address: string, error: unknown): Error {
  if (error instanceof RaibidError) return error
  const said = (error as { stderr?: string }).stderr?.trim() || messageOf(error)
  const line = said.split('\n').findLast((one) => /fatal|error|rejected/i.test(one)) ?? said.split('\n')[0] ?? ''
  const text = `git could not work on ${address}: ${line.slice(0, 300)}`
  return /unable to access|Could not resolve|refused|timed out/i.test(said) ? new UnreachableError(text) : new RaibidError(text)
}
