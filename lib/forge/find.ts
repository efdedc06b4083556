import { isBuilt, type BuiltForge, type Forge } from '#lib/config-forges.ts'
import { parseRepo, type Repo } from '#lib/repo.ts'
import { isNamePart, type RepoName } from './types.ts'

export interface Found extends RepoName {
  forge: BuiltForge
}

const bare = (path: string): string => path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
const ports: Record<string, string> = { 'http:': ':80', 'https:': ':443' }

/**
 * Which forge has a repository, by its clone address, and what it is called there; null: none that builds what is pushed to it (a GitLab
 * is a source of mirrors only), or it is a folder.
 */
export function findForge(forges: readonly Forge[], repo: string): Found | null {
  for (const forge of forges.filter(isBuilt)) {
    const parts = partsAt(forge, repo)
    const [owner, name] = parts ?? []
    if (owner && name && parts!.length === 2) return { forge, owner, name }
  }
  return null
}

/** The parts of a repository's path at a forge, by its clone address; null: it is not there, or that is no name. */
export function partsAt({ url: own, aliases }: Pick<Forge, 'url' | 'aliases'>, repo: string): string[] | null {
  const { url, kind, host } = readable(repo)
  if (kind === 'path') return null
  const given = kind === 'http' ? new URL(url) : null
  const path = given ? given.pathname : sshPath(url)
  for (const address of [own, ...aliases].map((text) => new URL(text))) {
    const same = given ? hostOf(given) === hostOf(address) : host.replace(/:\d+$/, '').toLowerCase() === address.hostname
    const prefix = given ? bare(address.pathname) : ''
    const rest = bare(path)
    if (!same || (prefix && !rest.startsWith(`${prefix}/`))) continue
    const parts = rest.slice(prefix ? prefix.length + 1 : 0).split('/')
    if (parts.length > 1 && parts.every(isNamePart)) return parts
  }
  return null
}

/** One server may be reached with its usual port written out, and by http or https. */
const hostOf = ({ protocol, hostname, port }: URL): string => {
  const own = port ? `:${port}` : ports[protocol]
  return hostname + (own === ':80' || own === ':443' ? '' : own)
}

const sshPath = (url: string): string =>
  /^ssh:\/\//i.test(url) ? new URL(url).pathname : (/^(?:[^@]*@)?(?:\[[^\]]*\]|[^:]*):(.*)$/s.exec(url)?.[1] ?? '')

/** What can't be read is no forge's, like a folder. */
function readable(repo: string): Pick<Repo, 'url' | 'kind' | 'host'> {
  try {
    return parseRepo(repo)
  } catch {
    return { url: repo, kind: 'path', host: '' }
  }
}
