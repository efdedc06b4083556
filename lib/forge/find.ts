import type { Forge } from '#lib/config.ts'
import { parseRepo, type Repo } from '#lib/repo.ts'
import { isNamePart, type RepoName } from './types.ts'

export interface Found extends RepoName {
  forge: Forge
}

const bare = (path: string): string => path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
const ports: Record<string, string> = { 'http:': ':80', 'https:': ':443' }

/** Which forge has a repository, by its clone address, and what it is called there; null: none that we know of, or it is a folder. */
export function findForge(forges: readonly Forge[], repo: string): Found | null {
  const { url, kind, host } = readable(repo)
  if (kind === 'path') return null
  const given = kind === 'http' ? new URL(url) : null
  const path = given ? given.pathname : sshPath(url)
  for (const forge of forges) {
    for (const address of [forge.url, ...forge.aliases].map((text) => new URL(text))) {
      const same = given ? hostOf(given) === hostOf(address) : host.replace(/:\d+$/, '').toLowerCase() === address.hostname
      const prefix = given ? bare(address.pathname) : ''
      const rest = bare(path)
      if (!same || (prefix && !rest.startsWith(`${prefix}/`))) continue
      const [owner = '', name = '', ...more] = rest.slice(prefix ? prefix.length + 1 : 0).split('/')
      if (isNamePart(owner) && isNamePart(name) && !more.length) return { forge, owner, name }
    }
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
