/** What the rules say of what was listed. Pure: the same rules and listings give the same decisions, in whatever order a forge lists. */
import { safe } from '#lib/cli/untrusted.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import { ownerNameProblem, repoNameProblem } from './gitea-names.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { MirrorRule } from './types.ts'

export interface Verdict {
  mirrored: boolean
  /** The rule and the very clause that decided: `mirrors.yaml:12: exclude /-old$/ matches`. */
  because: string
}

/** What a rule decides on: of an account all that is listed there, of a single repository that one. */
export interface Found {
  rule: MirrorRule
  repos: readonly ListedRepo[]
}

export interface Decision extends Verdict {
  repo: ListedRepo
  /** The first rule that takes it; null: none does. */
  rule: MirrorRule | null
  /** Where its mirror goes. */
  target: { owner: string; name: string } | null
  /** A rule takes it, and yet it can't be mirrored: a person has to choose. */
  refused: boolean
}

/** What one rule says of one repository. Throws UsageError for a rule whose expressions are wrong. */
export function decideOne(rule: MirrorRule, repo: ListedRepo): Verdict {
  const say = (mirrored: boolean, clause: string): Verdict => ({ mirrored, because: `${rule.where}: ${clause}` })
  if (rule.from.kind === 'repo') return say(true, 'it is named there')
  const { include, exclude } = patternsOf(rule)
  if (exclude?.test(repo.name)) return say(false, `exclude ${regex(rule.exclude)} matches`)
  if (include && !include.test(repo.name)) return say(false, `include ${regex(rule.include)} does not match`)
  if (repo.private && !rule.private) return say(false, 'it is private, and private: false')
  if (repo.fork && !rule.forks) return say(false, 'it is a fork, and forks: false')
  if (repo.archived && !rule.archived) return say(false, 'it is archived, and archived: false')
  const { topics, language } = rule
  if (topics.length && !repo.topics.some((topic) => topics.some((one) => same(one, topic))))
    return say(false, `it has none of the topics: ${safe(topics.join(', '))}`)
  if (language !== null && !same(language, repo.language ?? ''))
    return say(false, `its language is ${repo.language ? safe(repo.language) : 'not known'}, and language: ${safe(language)}`)
  return say(true, include ? `include ${regex(rule.include)} matches` : `all of ${safe(rule.from.account.name)} are taken`)
}

/**
 * What becomes of each repository that was found, each once. The first rule that takes it decides. Of two that would be mirrored
 * under one name the first keeps it, and the other is refused with both named: the rule that stands first, and of one account the older
 * repository, so that a new one never takes the place of a mirror. Names that Gitea can't have are refused.
 */
export function decideAll(found: readonly Found[]): Decision[] {
  const decisions = new Map<string, Decision>()
  const taken = new Map<string, Decision>()
  for (const { rule, repos } of found) {
    for (const repo of repos.toSorted(byAge)) {
      const key = `${repo.forgeUrl} ${repo.id}`
      const before = decisions.get(key)
      if (before?.rule) continue
      const verdict = decideOne(rule, repo)
      const because = before && !verdict.mirrored ? `${before.because}; ${verdict.because}` : verdict.because
      const decision: Decision = { ...verdict, because, repo, rule: null, target: null, refused: false }
      decisions.set(key, verdict.mirrored ? placed(decision, rule, taken) : decision)
    }
  }
  return [...decisions.values()]
}

/** With the place of its mirror, or with what is wrong with that. */
function placed(decision: Decision, rule: MirrorRule, taken: Map<string, Decision>): Decision {
  const { repo } = decision
  const target = { owner: rule.owner, name: rule.name ?? repo.name }
  const place = `${target.owner}/${target.name}`
  const refuse = (why: string): Decision => ({
    ...{ ...decision, mirrored: false, rule, refused: true },
    because: `${rule.where}: ${addressOf(repo)} can't be mirrored: ${why}`,
  })
  const owner = ownerNameProblem(target.owner)
  if (owner) return refuse(`the owner's name ${JSON.stringify(safe(target.owner))} ${owner}`)
  const name = repoNameProblem(target.name)
  if (name) return refuse(`the name ${JSON.stringify(short(target.name))} ${name}`)
  const first = taken.get(place.toLowerCase())
  if (first)
    return refuse(
      `its mirror would be ${place}, which is that of ${addressOf(first.repo)} (${first.rule!.where}); ` +
        'give it another owner, or exclude one of them',
    )
  const made = { ...decision, rule, target }
  taken.set(place.toLowerCase(), made)
  return made
}

const compiled = new WeakMap<MirrorRule, { include: Pattern | null; exclude: Pattern | null }>()

function patternsOf(rule: MirrorRule) {
  const known = compiled.get(rule)
  if (known) return known
  const of = (text: string | null, key: string) => (text === null ? null : compilePattern(text, `${rule.where}: ${key}`))
  const made = { include: of(rule.include, 'include'), exclude: of(rule.exclude, 'exclude') }
  compiled.set(rule, made)
  return made
}

const regex = (text: string | null): string => `/${safe(text ?? '')}/`
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
const short = (text: string): string => (text.length > 120 ? `${safe(text.slice(0, 120))}…` : safe(text))
const addressOf = ({ forgeUrl, owner, name }: ListedRepo): string => short(`${forgeUrl}/${owner}/${name}`)

/** The smaller number was given first. */
const byAge = (a: ListedRepo, b: ListedRepo): number => a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
