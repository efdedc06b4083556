import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ClusterAccess } from './cluster-access.ts'
import type { ForgeFile } from './config-forge-schema.ts'
import { env as names } from './contract.ts'
import { UsageError } from './errors.ts'

/** A server that hosts repositories: Gitea and GitHub tell us of pushes and are told what became of them, a GitLab is a source of mirrors only. */
export interface Forge {
  kind: 'gitea' | 'github' | 'gitlab'
  /** Its address, without a slash at the end. */
  url: string
  /** Other addresses under which its repositories are cloned. */
  aliases: string[]
  /** It is the cluster's, as this machine reaches it: known from the note of bootstrap, not from raibid.yaml. */
  noted?: true
  /**
   * Read anew at each call, for a token in a file may change under us; a function, so that a configuration that is printed doesn't hold it.
   * Throws UsageError that says how to give one.
   */
  token(): string
}

/** One that has webhooks and commit statuses of ours. */
export type BuiltForge = Forge & { kind: 'gitea' | 'github' }

export const isBuilt = (forge: Forge): forge is BuiltForge => forge.kind !== 'gitlab'

/** Nobody gave a token, which is a mistake only where one is needed. */
export class NoTokenError extends UsageError {
  override name = 'NoTokenError'
}

const variables = { gitea: names.giteaToken, github: names.githubToken, gitlab: names.gitlabToken } as const
const usual = { github: 'https://github.com', gitlab: 'https://gitlab.com' } as const

/** The forges of `raibid.yaml`; github.com and gitlab.com besides, when there is a token for it; the cluster's own Gitea where the file names none. */
export function forgesOf(
  file: readonly ForgeFile[],
  { env, root, access = null }: { env: NodeJS.ProcessEnv; root: string; access?: ClusterAccess | null },
  problems: string[],
): Forge[] {
  const known = (kind: Forge['kind']): ForgeFile[] => file.filter((forge) => forge.kind === kind)
  const implied = (['github', 'gitlab'] as const).filter((kind) => env[variables[kind]] && !known(kind).length)
  const addressOf = ({ kind, url }: ForgeFile): string => url ?? (kind === 'gitea' ? '' : usual[kind])
  const all: ForgeFile[] = [...file, ...implied.map((kind) => ({ kind }))]
  const urls = all.map(addressOf)
  const twice = urls.find((url, i) => urls.indexOf(url) < i)
  if (twice) problems.push(`forges: ${twice} is there twice`)
  for (const [kind, variable] of Object.entries(variables) as [Forge['kind'], string][]) {
    // one server's token is no other server's business
    if (env[variable] && known(kind).length > 1)
      problems.push(
        `${variable}: there are ${known(kind).length} forges of the kind ${kind}, so each needs a tokenFile of its own`,
      )
  }
  const given = all.map((forge) => {
    const { kind, aliases = [], tokenFile } = forge
    const url = addressOf(forge)
    const variable = variables[kind]
    const given = env[variable]
    const path = tokenFile && resolve(root, tokenFile)
    const token = (): string => {
      if (given) return checked(given, variable)
      if (path) return checked(read(path), path)
      throw new NoTokenError(`there is no token for ${url}: set ${variable}, or the tokenFile of that forge in raibid.yaml`)
    }
    return { kind, url, aliases, token }
  })
  if (!access || given.some(({ kind }) => kind === 'gitea')) return given
  const { url, aliases, token } = access.gitea
  return [...given, { kind: 'gitea', url, aliases, noted: true, token: () => env[names.giteaToken] || token }]
}

function read(path: string): string {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  if (mode === undefined) throw new UsageError(`there is no file ${path}, which raibid.yaml names as a tokenFile`)
  if (mode & 0o077)
    throw new UsageError(`other users may read ${path} (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${path}`)
  return readFileSync(path, 'utf8')
}

/** It becomes part of a header. Never shown: what is wrong with it may be a line break too many. */
function checked(text: string, source: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]{1,1024}$/.test(token)) return token
  throw new UsageError(`${source} does not hold a token: one word of at most 1024 characters`)
}
