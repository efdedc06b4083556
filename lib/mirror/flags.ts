/** The flags of mirror-org and mirror-repo, and the rule that they make. */
import { join, resolve } from 'node:path'
import type { Flag } from '#lib/cli/spec.ts'
import type { Config } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { ownerNameProblem, repoNameProblem } from './gitea-names.ts'
import { ruleOf } from './rule.ts'
import type { MirrorRule } from './types.ts'

/** What a rule says of one repository as of many. */
export const policyFlags = {
  owner: {
    type: 'string',
    description: 'organisation or user of our Gitea that gets them; default: called as at the source',
    placeholder: '<name>',
  },
  visibility: {
    type: 'string',
    description: 'how mirrors are seen; default: source, as the source is',
    choices: ['private', 'public', 'source'],
    placeholder: '<how>',
  },
  interval: { type: 'duration', description: 'time between two syncs by Gitea, at least 10m; 0s: only when asked; default: 8h' },
  wiki: { type: 'boolean', description: 'the wiki too' },
  lfs: { type: 'boolean', description: 'large files (LFS) too' },
  orphans: {
    type: 'string',
    description: 'what becomes of a mirror whose source is gone; default: keep',
    choices: ['keep', 'archive', 'delete'],
    placeholder: '<what>',
  },
  build: { type: 'boolean', description: 'build the default branch of each new mirror' },
} as const satisfies Record<string, Flag>

/** How a run goes. */
export const runFlags = {
  'dry-run': { type: 'boolean', description: 'only say what would be done' },
  'exit-code': { type: 'boolean', description: 'with --dry-run: 1 when something is to be changed' },
  yes: { type: 'boolean', description: 'also when more than a fifth of the mirrors would lose their source at once' },
  gitea: { type: 'string', description: 'the Gitea to mirror into, where raibid.yaml has several', placeholder: '<url>' },
  json: { type: 'boolean', description: 'one JSON document' },
} as const satisfies Record<string, Flag>

export interface Given {
  owner?: string | undefined
  visibility?: string | undefined
  interval?: number | undefined
  orphans?: string | undefined
  include?: string | undefined
  exclude?: string | undefined
  topics?: string[]
  language?: string | undefined
  name?: string | undefined
  wiki?: boolean
  lfs?: boolean
  build?: boolean
  private?: boolean
  forks?: boolean
  archived?: boolean
}

/** The rule that a command line says. UsageError that names the flag. */
export function ruleOfFlags(from: MirrorRule['from'], { interval, visibility, orphans, ...given }: Given): MirrorRule {
  if (interval !== undefined && interval !== 0 && interval < 600_000)
    throw new UsageError('--interval: at least 10m, the least that Gitea takes, or 0s for never by itself')
  const owner = given.owner === undefined ? null : ownerNameProblem(given.owner)
  if (owner) throw new UsageError(`--owner: ${JSON.stringify(given.owner!.slice(0, 100))} ${owner}`)
  const name = given.name === undefined ? null : repoNameProblem(given.name)
  if (name) throw new UsageError(`--name: ${JSON.stringify(given.name!.slice(0, 120))} ${name}`)
  return ruleOf('the command line', from, {
    ...given,
    intervalMs: interval,
    visibility: visibility as MirrorRule['visibility'] | undefined,
    orphans: orphans as MirrorRule['orphans'] | undefined,
  })
}

/** The file that says what is mirrored: as given, else of the environment, else mirrors.yaml beside the justfile. */
export const mirrorsPath = ({ root }: Pick<Config, 'root'>, given?: string): string =>
  given !== undefined
    ? resolve(given)
    : process.env[env.mirrors]
      ? resolve(root, process.env[env.mirrors]!)
      : join(root, 'mirrors.yaml')
