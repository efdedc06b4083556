/** What may be built: repositories, branches and commits, as users, webhooks and jobs name them. Everything that git could take for something else is refused here. */
import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { env } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'

export interface Repo {
  /** What git is given: a URL or scp form without credentials, or an absolute path. */
  url: string
  kind: 'http' | 'ssh' | 'path'
  /** Host, with its port when the URL names one; empty for a path. */
  host: string
  /** For people: `owner/name`, or the folder's name. */
  name: string
}

const sshHost = /^(?:[a-z0-9._][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
const sshUser = /^[a-z0-9._][a-z0-9._+-]*$/i
const scpForm = /^(?:([^@/:]*)@)?(\[[0-9a-f:.]+\]|[^:/@]+):(.*)$/is

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** A value as a message may show it: on one line, short, without what could be a password. */
function shown(text: string): string {
  const safe = text.replace(/\/\/[^/]*@/g, '//***@')
  return JSON.stringify(safe.length > 80 ? `${safe.slice(0, 80)}…` : safe)
}

/** The last two parts of a URL's path, or the last of a folder's, without `.git`. */
function shortName(path: string, parts: number): string {
  const segments = path.split('/').filter(Boolean)
  if (segments.at(-1) === '.git' && segments.length > 1) segments.pop()
  return (
    segments
      .slice(-parts)
      .join('/')
      .replace(/\.git$/, '') || path
  )
}

function httpRepo(text: string, url: URL): Repo {
  if (url.username || url.password) {
    throw new UsageError(
      `The repository URL for ${url.host} carries credentials, which would end up in logs: use ${url.protocol}//${url.host}${url.pathname} and give the credentials in ${env.gitCredentials}, as a line host<TAB>user<TAB>token.`,
    )
  }
  if (url.search || url.hash)
    throw new UsageError(`The repository URL for ${url.host} has a part after "?" or "#": leave it out.`)
  if (!url.hostname || /%(?:00|0a|0d)/i.test(text)) throw new UsageError(`${shown(text)} is not the URL of a repository.`)
  return { url: text, kind: 'http', host: url.host, name: shortName(url.pathname, 2) }
}

function sshRepo(text: string, user: string, host: string, path: string): Repo {
  if (!sshHost.test(host))
    throw new UsageError(`${shown(text)} has no valid host: expected git@host:owner/name or ssh://git@host/owner/name.`)
  if (user && !sshUser.test(user)) throw new UsageError(`${shown(text)} has no valid user: expected git@host:owner/name.`)
  if (!path || path.startsWith('-')) throw new UsageError(`${shown(text)} has no valid path: expected git@host:owner/name.`)
  return { url: text, kind: 'ssh', host, name: shortName(path, 2) }
}

function pathRepo(text: string, cwd: string): Repo {
  const path = resolve(cwd, text === '~' || text.startsWith('~/') ? homedir() + text.slice(1) : text)
  let url = path
  try {
    url = realpathSync(path)
  } catch {
    // It may exist only where the agent runs; the clone says when it does not.
  }
  return { url, kind: 'path', host: '', name: shortName(basename(url) === '.git' ? dirname(url) : url, 1) }
}

/**
 * Reads a repository as a user gives it: an http, https or ssh URL, `git@host:path`, `file://` or a path (seen from `cwd`).
 * Throws UsageError, which never repeats a password, on everything else and on whatever git or ssh could take for an option.
 */
export function parseRepo(text: string, cwd = process.cwd()): Repo {
  if (text.length > 1024)
    throw new UsageError(`The repository's name is ${text.length} characters long: at most 1024 are allowed.`)
  if (control.test(text)) throw new UsageError(`${shown(text)} contains a control character: give a URL or a path.`)
  if (text.trim() === '' || text.startsWith('-'))
    throw new UsageError(`${shown(text)} is not a repository: give a URL or a path.`)

  const scheme = /^([a-z][a-z0-9+.-]*):(?:\/\/|:)/i.exec(text)
  if (scheme) {
    const protocol = scheme[1]!.toLowerCase()
    const url = /:\/\//.test(scheme[0]) && URL.canParse(text) ? new URL(text) : null
    if (url && (protocol === 'http' || protocol === 'https')) return httpRepo(text, url)
    if (url && protocol === 'ssh') {
      if (url.password) throw new UsageError(`The repository URL for ${url.host} carries a password: use a key instead.`)
      return sshRepo(text, url.username, url.host, url.pathname.slice(1))
    }
    if (url && protocol === 'file' && url.host === '') {
      // A path with %2F or %00 has no name on disk.
      if (/%(?:2f|[01][0-9a-f]|7f)/i.test(url.pathname))
        throw new UsageError(`${shown(text)} is not the URL of a local repository.`)
      return pathRepo(fileURLToPath(url), cwd)
    }
    throw new UsageError(`${shown(text)} is not a repository that can be cloned: use http, https, ssh, git@host:path or a path.`)
  }
  const scp = scpForm.exec(text)
  // As git sees it, a slash before the first colon makes it a path.
  if (scp) return sshRepo(text, scp[1] ?? '', scp[2]!, scp[3]!)
  return pathRepo(text, cwd)
}

const badInRef = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/$|^\/|\.$|(?:^|\/)\.|\.lock(?:\/|$)|^@$|^-/

/** Returns the branch; throws UsageError unless it is one by the rules of `git check-ref-format` (≤ 255 bytes, no leading `-`). */
export function verifyBranch(text: string): string {
  if (text !== '' && Buffer.byteLength(text) <= 255 && text.isWellFormed() && !badInRef.test(text)) return text
  throw new UsageError(`${shown(text)} is not the name of a branch: see the rules in "git help check-ref-format".`)
}

/** Returns the commit in lower case; throws UsageError unless it is a full object id (40 or 64 hex digits). */
export function verifyCommit(text: string): string {
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)) return text.toLowerCase()
  throw new UsageError(
    `${shown(text)} is not a full commit id: give all 40 (or 64) hex digits, as "git rev-parse HEAD" prints them.`,
  )
}
