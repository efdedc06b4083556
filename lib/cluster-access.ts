import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { files } from './contract.ts'
import type { GitCredential } from './git-credentials.ts'
import { knownProcess, writeWhole, type KnownProcess } from './pool/state.ts'
import { isSameProcess } from './processes.ts'

/** How this machine reaches what bootstrap made in a cluster. It holds passwords: the file is for its owner alone, and it is never printed. */
export interface ClusterAccess {
  /** The cluster itself, as its flags would name it. */
  kube: { kubeconfig?: string | undefined; context?: string | undefined }
  /** The queue, as `serve` and agents log in; null: it can't be reached from this machine, and no `just connect` is open. */
  redisUrl: string | null
  /** The key that seals secrets for its agents: 64 hex digits. */
  secretKey: string
  /** Its Gitea, and a token of the administrator that makes mirrors. */
  gitea: { url: string; aliases: string[]; token: string }
  /** Where a browser finds the pages. */
  serveUrl: string
}

/** How this machine reaches the cluster now: what bootstrap noted in this home, and what `just connect` has opened. null: no cluster was made from here. */
export function readAccess(home: string): ClusterAccess | null {
  const noted = readNoted(home)
  return noted && { ...noted, redisUrl: noted.redisUrl ?? connected(home) }
}

/** What bootstrap noted in this home; null: nothing, or nothing whole (its component `access` mends that). */
export function readNoted(home: string): ClusterAccess | null {
  const file = join(home, files.clusterAccess)
  try {
    if (statSync(file).mode & 0o077) return null
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<ClusterAccess>
    const { kube, redisUrl = null, secretKey, gitea, serveUrl } = found
    const { kubeconfig = '', context = '' } = kube!
    const addresses = [serveUrl, gitea!.url, ...gitea!.aliases]
    if (![kubeconfig, context, redisUrl ?? '', secretKey, gitea!.token].every((one) => typeof one === 'string')) return null
    if (!Array.isArray(gitea!.aliases) || !addresses.every(isAddress)) return null
    return { ...(found as ClusterAccess), redisUrl }
  } catch {
    return null
  }
}

/** A repository of the cluster's Gitea by the name under which agents and `serve` know it, where this machine has another for it. */
export function asInside(url: string, access: ClusterAccess | null): string {
  const { url: here, aliases } = access?.gitea ?? { url: '', aliases: [] }
  return aliases[0] && url.startsWith(`${here}/`) ? aliases[0] + url.slice(here.length) : url
}

const isAddress = (one: unknown): boolean =>
  typeof one === 'string' && ['http:', 'https:'].includes(URL.parse(one)?.protocol ?? '')

/** What git of this machine is asked for there, by any of its addresses. */
export const giteaCredentials = ({ gitea: { url, aliases, token } }: ClusterAccess): GitCredential[] =>
  [url, ...aliases].map((one) => ({ host: new URL(one).host, user: 'raibid', token }))

/** Notes what `just connect` has opened, and gives what takes the note away again. */
export function noteConnect(home: string, url: string): () => void {
  const file = join(home, files.clusterConnect)
  const own = `${JSON.stringify({ ...knownProcess(process.pid), url })}\n`
  writeWhole(file, own)
  return () => {
    // another one that was opened since has written its own
    if (readText(file) === own) rmSync(file, { force: true })
  }
}

/** What `just connect` of this home has opened, while it is alive: a number alone may be another process's by now, and its port another listener's. */
function connected(home: string): string | null {
  try {
    const { pid, startTime, url } = JSON.parse(readText(join(home, files.clusterConnect))) as KnownProcess & { url: string }
    return isSameProcess(pid, startTime) && typeof url === 'string' ? url : null
  } catch {
    return null
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
