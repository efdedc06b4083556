import { z } from 'zod'
import { parseDuration } from '#lib/duration.ts'
import { messageOf } from '#lib/errors.ts'
import { readAccount } from '#lib/forge/listing/account.ts'
import { parseRepo } from '#lib/repo.ts'
import { ownerNameProblem, repoNameProblem } from './gitea-names.ts'
import { patternProblem } from './pattern.ts'

/** The schema of `mirrors.yaml`. Descriptions become the README's table. zod is slow to load: import this lazily. */

const told = (problem: (text: string) => string | null) =>
  z.string().check((context) => {
    const message = problem(context.value)
    if (message) context.issues.push({ code: 'custom', input: context.value, message })
  })

const leastMs = 10 * 60_000
const interval = z.union([z.string(), z.number()], 'is not a duration such as 10m or 8h, or 0').transform((text, context) => {
  const ms = text === 0 ? 0 : parseDuration(String(text))
  if (ms === 0 || (ms !== null && ms >= leastMs)) return ms
  const message =
    ms === null
      ? 'is not a duration such as 10m or 8h, or 0'
      : 'is less than 10m, the least that Gitea takes (0: only when asked)'
  context.issues.push({ code: 'custom', input: text, message })
  return z.NEVER
})

const policy = {
  private: z.boolean().optional().describe('Whether private repositories are mirrored too (default: false)'),
  forks: z.boolean().optional().describe('Whether forks are (default: false)'),
  archived: z.boolean().optional().describe('Whether archived ones are (default: false)'),
  topics: z
    .array(z.string().min(1, 'is empty').max(100, 'is longer than 100 characters'))
    .max(50, 'has more than 50 entries')
    .optional()
    .describe('Only those that have one of these topics (default: any)'),
  language: z
    .string()
    .min(1, 'is empty')
    .max(100, 'is longer than 100 characters')
    .optional()
    .describe('Only those in this language, as GitHub or Gitea names it; GitLab doesn’t tell (default: any)'),
  visibility: z
    .enum(['private', 'public', 'source'], 'is not one of private, public, source')
    .optional()
    .describe('How the mirror is seen: private, public, or as its source is (default: source)'),
  interval: interval
    .optional()
    .describe('Time between two syncs by Gitea, at least 10m; 0: only when it is asked to (default: 8h)'),
  wiki: z.boolean().optional().describe('Whether the wiki is mirrored too (default: false)'),
  lfs: z.boolean().optional().describe('Whether large files (LFS) are (default: false)'),
  owner: told(ownerNameProblem)
    .optional()
    .describe(
      'Organisation or user of our Gitea that gets the mirrors (default: called as the organisation, group or owner at the source)',
    ),
  orphans: z
    .enum(['keep', 'archive', 'delete'], 'is not one of keep, archive, delete')
    .optional()
    .describe('What becomes of a mirror whose source is gone (default: keep)'),
  build: z.boolean().optional().describe('Whether a new mirror’s default branch is built at once (default: false)'),
}

const pattern = told(patternProblem)
const sources = ['repo', 'org', 'group'] as const

const entry = z
  .strictObject({
    org: told((text) => wrongAccount(text))
      .optional()
      .describe('An organisation or user: `myorg` at GitHub, `gitea:org@git.example`, `github:org@ghe.example`'),
    group: told((text) => wrongAccount(`gitlab:${text}`))
      .optional()
      .describe('A group at GitLab with all groups below it: `group/subgroup`, `group@gitlab.example`'),
    repo: told(wrongRepo).optional().describe('A single repository: its clone address by https or ssh, without a login'),
    include: pattern.optional().describe('Regular expression (RE2) over the name: only what it matches (default: all)'),
    exclude: pattern
      .optional()
      .describe('Regular expression over the name: not what it matches, whatever include says (default: none)'),
    name: told(repoNameProblem).optional().describe('Name of the mirror; of a single repository only (default: the source’s)'),
    ...policy,
  })
  .check(({ value, issues }) => {
    const given = sources.filter((key) => value[key] !== undefined)
    const wrong = (key: string | undefined, message: string) =>
      issues.push({ code: 'custom', input: value, message, ...(key !== undefined && { path: [key] }) })
    if (given.length !== 1)
      wrong(
        given[1],
        given.length ? `is one source too many: give ${given.join(' or ')}` : 'is no source: give org, group or repo',
      )
    if (value.repo === undefined && value.name !== undefined) wrong('name', 'is for a single repository (repo) only')
    const ofMany = (['include', 'exclude', 'topics', 'language', 'private', 'forks', 'archived'] as const).filter(
      (key) => value[key] !== undefined,
    )
    if (value.repo !== undefined)
      for (const key of ofMany) wrong(key, 'chooses among many, and a single repository (repo) is always mirrored')
    if (value.group !== undefined && value.language !== undefined)
      wrong('language', 'can’t be asked of GitLab, whose lists don’t tell it')
  })

export const mirrorsSchema = z.strictObject({
  defaults: z.strictObject(policy).optional().describe('What holds for every entry that doesn’t say otherwise'),
  mirrors: z
    .array(entry)
    .max(500, 'has more than 500 entries')
    .optional()
    .describe('What is mirrored; the first entry that takes a repository decides')
    .check(({ value, issues }) => {
      const seen = new Map<string, number>()
      value?.forEach((one, i) => {
        const key = sources.find((source) => one[source] !== undefined)
        const same = JSON.stringify([key, key && one[key]!.toLowerCase(), one.include ?? null])
        const first = seen.get(same)
        if (key && first !== undefined)
          issues.push({ code: 'custom', input: one[key], path: [i, key], message: `is there already, as mirrors[${first}]` })
        else seen.set(same, i)
      })
    }),
})

export type MirrorsFile = z.infer<typeof mirrorsSchema>
export type MirrorEntry = NonNullable<MirrorsFile['mirrors']>[number]

function wrongAccount(text: string): string | null {
  const account = readAccount(text)
  return typeof account === 'string' ? account : null
}

function wrongRepo(text: string): string | null {
  try {
    return parseRepo(text).kind === 'path' ? 'is not a clone address by https or ssh' : null
  } catch (error) {
    return /credentials|password/.test(messageOf(error))
      ? 'carries a login: give it as a token of a forge in raibid.yaml, or in RAIBID_GIT_CREDENTIALS'
      : 'is not a clone address such as https://git.example/owner/name.git or git@git.example:owner/name.git'
  }
}
