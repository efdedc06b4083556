import type { Forge } from './config-forges.ts'
import type { ConfigFile } from './config-schema.ts'

/** One entry of `repositories` in raibid.yaml, decided. Durations are milliseconds. */
export interface RepositoryPolicy {
  /** Pattern over `owner/name`. */
  match: string
  enabled: boolean
  branches: string[]
  tags: string[]
  /** Empty: any. */
  paths: string[]
  pool: string
  pipeline: string
  concurrency: 'queue' | 'supersede' | 'cancel-running'
  secrets: string[]
  pullRequests: boolean
  /** What becomes of a fork's pull request. */
  forks: 'hold' | 'ignore'
  /** `owner/name` on Gitea of the mirror of a GitHub repository: its own push is what is built. */
  mirror: string | null
  url: string | null
  pollMs: number | null
  /** When its default branch is built, whatever was pushed. */
  cron: string | null
}

const defaults: RepositoryPolicy = {
  match: '**',
  enabled: true,
  branches: ['**'],
  tags: [],
  paths: [],
  pool: 'default',
  pipeline: 'auto',
  concurrency: 'supersede',
  secrets: [],
  pullRequests: true,
  forks: 'hold',
  mirror: null,
  url: null,
  pollMs: null,
  cron: null,
}

/** The entries with their defaults. Where there is none, everything that is signed is built. */
export function repositoryPolicies(
  entries: ConfigFile['repositories'],
  forges: readonly Pick<Forge, 'kind'>[],
  problems: string[],
): RepositoryPolicy[] {
  if (!entries?.length) return [defaults]
  const mirrored = entries.findIndex(({ mirror }) => mirror !== undefined)
  if (mirrored >= 0 && !forges.some(({ kind }) => kind === 'gitea'))
    problems.push(`repositories[${mirrored}].mirror: there is no forge of the kind gitea; name it in forges`)
  return entries.map(({ poll, ...given }) => {
    const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    return { ...defaults, ...said, pollMs: poll ?? null }
  })
}
