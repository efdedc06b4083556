/** Why a repository is mirrored or not: what its forge says of it, what each rule says, what is in Gitea, and what a run would do. */
import type { Config } from '#lib/config.ts'
import { RaibidError } from '#lib/errors.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { listOne } from '#lib/forge/listing/one.ts'
import { placeOf } from '#lib/forge/listing/place.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import { chosenMirrors } from './chosen.ts'
import { refsOf } from './heads.ts'
import { markIn, markOf, sameSource } from './identity.ts'
import { covers } from './idle.ts'
import { cloneAddress, sourceCredential, type OurGitea } from './place.ts'
import { planMirrors } from './plan.ts'
import { decideAll, decideOne, type Found, type Verdict } from './rules.ts'
import { placeOf as placeIn, type Step } from './step.ts'
import { plainRepo } from './survey.ts'
import type { MirrorRule } from './types.ts'

export interface Explained {
  source: ListedRepo | null
  /** Its address, also where nothing is there any more. */
  address: string
  /** What each rule that looks there says, in their order. */
  rules: (Verdict & { where: string })[]
  mirrors: GiteaRepo[]
  /** What the next rescan would do; null: no rule looks there. */
  next: Step | null
}

export interface WhyOptions {
  config: Config
  gitea: OurGitea
  rules: readonly MirrorRule[]
  signal: AbortSignal
}

/** `text`: address of a source, name of a mirror, or `owner/name` of a source that a rule looks at. RaibidError when it is none of these. */
export async function explain(text: string, { config, gitea, rules, signal }: WhyOptions): Promise<Explained> {
  const all = await gitea.client.mirrors({ signal })
  const address = await addressFor(text, all, { config, rules })
  const source = await lookAt(address, config, signal)
  const mark = source ? markOf(source) : null
  const known = all.filter((mirror) => (mark !== null && markIn(mirror.topics) === mark) || sameSource(mirror.source, address))
  const here = rules.map((rule) =>
    rule.from.kind === 'repo'
      ? { ...rule, from: { kind: 'repo' as const, url: cloneAddress(rule.from.url, config.forges) } }
      : rule,
  )
  const asked = here.filter((rule) => covers(rule, source?.cloneUrl ?? address))
  const found: Found[] = asked.map((rule) => ({ rule, repos: source ? [source] : [] }))
  const decisions = decideAll(found)
  const target = decisions[0]?.target
  // who is in its place counts too
  const there = target && (await gitea.client.found(target, { signal }))
  const existing = there && !known.some(({ id }) => id === there.id) ? [...known, there] : known
  const { steps } = planMirrors({ found, decisions, failed: [], existing })
  const mine = steps.find(({ mirror }) => !target || mirror.toLowerCase() === placeIn(target)) ?? steps[0]
  return {
    ...{ source, address, mirrors: known, next: mine ?? null },
    rules: source ? asked.map((rule) => ({ where: rule.where, ...decideOne(rule, source) })) : [],
  }
}

async function addressFor(
  text: string,
  mirrors: readonly GiteaRepo[],
  { config, rules }: Pick<WhyOptions, 'config' | 'rules'>,
): Promise<string> {
  if (/:\/\/|^[^/]*@[^/]*:/.test(text)) return cloneAddress(text, config.forges)
  const [owner = '', ...name] = text.split('/')
  const accounts = rules.flatMap(({ from }) => (from.kind === 'account' ? [from.account] : []))
  const account = accounts.find((one) => one.name.toLowerCase() === owner.toLowerCase())
  const named = mirrors.filter((mirror) => [mirror.name, `${mirror.owner}/${mirror.name}`].includes(text))
  if (named.length) return named[0]!.source
  if (account && name.length) return `${account.url}/${text}.git`
  const [first, ...more] = chosenMirrors(mirrors, text)
  if (!more.length) return first!.source
  throw new RaibidError(
    `${JSON.stringify(text)} could be any of ${[first!, ...more]
      .slice(0, 5)
      .map(({ owner, name }) => `${owner}/${name}`)
      .join(', ')}; name one`,
  )
}

async function lookAt(address: string, config: Config, signal: AbortSignal): Promise<ListedRepo | null> {
  if (placeOf(address, config.forges)) return listOne(address, { forges: config.forges, signal })
  const refs = await refsOf(address, sourceCredential(config, address))
  return plainRepo(address, refs.size === 0)
}
