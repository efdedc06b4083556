/** Our Gitea, where mirrors live, and what sources ask for. */
import type { Config, Forge } from '#lib/config.ts'
import { UsageError } from '#lib/errors.ts'
import { gitea, type Gitea } from '#lib/forge/gitea.ts'
import { tokenFor } from '#lib/forge/listing/one.ts'
import { placeOf } from '#lib/forge/listing/place.ts'
import type { RepoName } from '#lib/forge/types.ts'
import type { GitCredential } from '#lib/git-credentials.ts'
import { parseRepo } from '#lib/repo.ts'

export interface OurGitea {
  forge: Forge
  client: Gitea
  /** Clone address of a repository there, as it is reached from here. */
  addressOf: (repo: RepoName) => string
  /** What it asks git for. */
  credential: () => GitCredential
}

/** The first Gitea of raibid.yaml, or the one of that address (or host). UsageError when there is none, or no token for it. */
export function ourGitea({ forges }: Pick<Config, 'forges'>, named?: string): OurGitea {
  const all = forges.filter(({ kind }) => kind === 'gitea')
  const is = (forge: Forge): boolean => [forge.url, new URL(forge.url).host].includes(named!.replace(/\/+$/, ''))
  const forge = named === undefined ? all[0] : all.find(is)
  if (!forge) {
    const known = all.map(({ url }) => url).join(', ')
    throw new UsageError(
      named === undefined || !known
        ? 'there is no Gitea to mirror into: add one to forges in raibid.yaml (kind: gitea, url: …), and give its token in RAIBID_GITEA_TOKEN'
        : `--gitea: ${JSON.stringify(named.slice(0, 100))} is not a Gitea of raibid.yaml; known: ${known}`,
    )
  }
  // a token that is missing is said before anything is listed
  forge.token()
  return {
    forge,
    client: gitea(forge),
    addressOf: ({ owner, name }) => `${forge.url}/${owner}/${name}.git`,
    // Gitea asks no name beside a token
    credential: () => ({ host: new URL(forge.url).host, user: 'raibid', token: forge.token() }),
  }
}

/** The user that each kind of forge expects beside a token. */
const users = { github: 'x-access-token', gitlab: 'oauth2', gitea: 'oauth2' } as const

/** What a clone address asks for: the token of its forge, else the git credentials for its host; null: nothing is known. */
export function sourceCredential({ forges, git }: Pick<Config, 'forges' | 'git'>, address: string): GitCredential | null {
  if (!URL.canParse(address)) return null
  const { host } = new URL(address)
  const place = placeOf(address, forges)
  const token = place && tokenFor(forges, place.url)
  if (place && token) return { host, user: users[place.forge], token }
  return git.credentials.find((one) => one.host.toLowerCase() === host.toLowerCase()) ?? null
}

/**
 * A single repository's address as Gitea can clone it. Gitea mirrors by http, https and git only, so an ssh address becomes https where its forge is
 * known. Throws UsageError for everything else.
 */
export function cloneAddress(address: string, forges: readonly Forge[]): string {
  const { url, kind } = parseRepo(address)
  if (kind === 'http') return url.replace(/\/+$/, '')
  if (kind === 'path')
    throw new UsageError('Gitea mirrors what it reaches by http or https: give the URL of a repository, not a folder')
  const place = placeOf(address, forges)
  if (place) return `${place.url}/${place.path}.git`
  throw new UsageError(
    `${JSON.stringify(url.slice(0, 200))}: Gitea mirrors by http and https only; give its https address, or add its forge to raibid.yaml`,
  )
}
