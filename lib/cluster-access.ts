import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { files } from './contract.ts'
import type { GitCredential } from './git-credentials.ts'

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

/** What bootstrap noted in this home; null: nothing, or nothing whole (its component `access` mends that). */
export function readAccess(home: string): ClusterAccess | null {
  const file = join(home, files.clusterAccess)
  try {
    if (statSync(file).mode & 0o077) return null
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<ClusterAccess>
    const { kube, redisUrl, secretKey, gitea, serveUrl } = found
    const texts = [redisUrl ?? '', secretKey, serveUrl, gitea?.url, gitea?.token, ...(gitea?.aliases ?? [null])]
    if (!kube || !texts.every((one) => typeof one === 'string')) return null
    return { ...(found as ClusterAccess), redisUrl: redisUrl ?? connected(home) }
  } catch {
    return null
  }
}

/** A repository of the cluster's Gitea by the name under which agents and `serve` know it, where this machine has another for it. */
export function asInside(url: string, access: ClusterAccess | null): string {
  const { url: here, aliases } = access?.gitea ?? { url: '', aliases: [] }
  return aliases[0] && url.startsWith(`${here}/`) ? aliases[0] + url.slice(here.length) : url
}

/** What git of this machine is asked for there, by any of its addresses. */
export const giteaCredentials = ({ gitea: { url, aliases, token } }: ClusterAccess): GitCredential[] =>
  [url, ...aliases].map((one) => ({ host: new URL(one).host, user: 'raibid', token }))

/** What `just connect` of this home has opened, while it is alive. */
function connected(home: string): string | null {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(home, files.clusterConnect), 'utf8')) as { pid: number; url: string }
    process.kill(pid, 0)
    return typeof url === 'string' ? url : null
  } catch {
    return null
  }
}
