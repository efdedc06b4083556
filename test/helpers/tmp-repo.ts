import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const who = { name: 'Test', email: 'test@example.org', date: '2026-01-01T00:00:00Z' }
const env = {
  PATH: process.env['PATH']!,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: who.name,
  GIT_AUTHOR_EMAIL: who.email,
  GIT_AUTHOR_DATE: who.date,
  GIT_COMMITTER_NAME: who.name,
  GIT_COMMITTER_EMAIL: who.email,
  GIT_COMMITTER_DATE: who.date,
  GIT_ALLOW_PROTOCOL: 'file:http',
}

/** What a file holds; `{ link }` makes a symlink, `{ text, mode }` sets the mode. */
export type Files = Record<string, string | { link: string } | { text: string; mode: number }>

export function writeFiles(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    if (typeof content === 'string') writeFileSync(path, content)
    else if ('link' in content) symlinkSync(content.link, path)
    else {
      writeFileSync(path, content.text)
      chmodSync(path, content.mode)
    }
  }
}

export interface TestRepo {
  path: string
  /** The first commit. */
  commit: string
  /** Runs git in the repository and gives what it prints. */
  git(...args: string[]): string
  /** Writes files and commits them, or nothing; gives the commit's id. */
  commitFiles(files: Files, message?: string): string
}

export interface RepoOptions {
  files?: Files
  branch?: string
  /** Where to make it; default: a new temporary folder. */
  path?: string
  format?: 'sha1' | 'sha256'
}

/** A real git repository with one commit, a fixed author and a fixed date: the same files give the same ids. */
export function createRepo({
  files = { 'README.md': 'hello\n' },
  branch = 'main',
  path,
  format = 'sha1',
}: RepoOptions = {}): TestRepo {
  const folder = path ?? mkdtempSync(join(tmpdir(), 'raibid-repo-'))
  mkdirSync(folder, { recursive: true })
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  function commitFiles(more: Files, message = 'change'): string {
    writeFiles(folder, more)
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '--message', message)
    return git('rev-parse', 'HEAD')
  }
  git('init', '--quiet', `--initial-branch=${branch}`, `--object-format=${format}`)
  return { path: folder, git, commitFiles, commit: commitFiles(files, 'first') }
}

/** A temporary folder that goes with the test: `onTestFinished(tmp.remove)`. */
export function tmpFolder(files: Files = {}): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'raibid-tmp-'))
  writeFiles(path, files)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
