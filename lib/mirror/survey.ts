/** Looks at all that a plan is made of: what the rules' sources list, and what our Gitea has. Nothing is changed. */
import { hash } from 'node:crypto'
import type { Config } from '#lib/config.ts'
import { RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'
import type { Gitea } from '#lib/forge/gitea.ts'
import type { OwnerKind } from '#lib/forge/gitea-mirrors.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { accountText } from '#lib/forge/listing/account.ts'
import { listAccount } from '#lib/forge/listing/list.ts'
import { listOne, tokenFor } from '#lib/forge/listing/one.ts'
import { placeOf } from '#lib/forge/listing/place.ts'
import type { Account, ListedRepo } from '#lib/forge/listing/types.ts'
import { steady } from '#lib/forge/steady.ts'
import { isNamePart } from '#lib/forge/types.ts'
import { redactUrl } from '#lib/redact-url.ts'
import { refsOf } from './heads.ts'
import type { Failed } from './fuse.ts'
import { cloneAddress, sourceCredential } from './place.ts'
import type { Found } from './rules.ts'
import type { MirrorRule } from './types.ts'

export interface SurveyOptions {
  config: Config
  client: Gitea
  rules: readonly MirrorRule[]
  /** More owners in our Gitea whose mirrors count: those of rules that were changed since. */
  owners?: readonly string[]
  signal: AbortSignal
  onPage?: (account: string, listed: number) => void
  onWait?: (ms: number, why: string) => void
}

export interface Survey {
  found: Found[]
  failed: Failed[]
  existing: GiteaRepo[]
  /** The owners that are concerned; null: there is none of that name yet. */
  owners: Map<string, OwnerKind | null>
  /** Calls to the sources' forges, and how many of them said "not changed". */
  requests: number
  unchanged: number
  warnings: string[]
}

export async function survey(options: SurveyOptions): Promise<Survey> {
  const { rules, client, signal } = options
  const [sources, there] = await Promise.all([lookAtSources(options), lookAtGitea(client, rules, options.owners ?? [], signal)])
  return { ...sources, ...there }
}

async function lookAtSources(options: SurveyOptions) {
  const { config, rules, signal, onPage, onWait } = options
  const listings = new Map<string, ReturnType<typeof listAccount>>()
  const failed: Failed[] = []
  const found: Found[] = []
  const list = (account: Account): ReturnType<typeof listAccount> => {
    const name = accountText(account)
    const known = listings.get(name)
    if (known) return known
    const token = tokenFor(config.forges, account.url)
    const asked = listAccount(account, { token, home: config.home, signal, onWait, onPage: (n) => onPage?.(name, n) })
    // rules are looked at in turn; that one fails is heard when it is its own
    asked.catch(() => {})
    listings.set(name, asked)
    return asked
  }
  for (const { from } of rules) if (from.kind === 'account') void list(from.account)
  for (const rule of rules) {
    try {
      if (rule.from.kind === 'account') found.push({ rule, repos: (await list(rule.from.account)).repos })
      else found.push(await lookAtOne(rule, rule.from.url, options))
    } catch (error) {
      if (signal.aborted || !(error instanceof RaibidError)) throw error
      if (error instanceof UsageError) throw new UsageError(`${rule.where}: ${error.message}`)
      const what = rule.from.kind === 'account' ? accountText(rule.from.account) : redactUrl(rule.from.url)
      failed.push({ where: rule.where, what, why: error.message, away: error instanceof UnreachableError })
    }
  }
  const done = (await Promise.allSettled(listings.values())).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const sum = (of: (listing: (typeof done)[number]) => number): number => done.reduce((all, one) => all + of(one), 0)
  return {
    ...{ found, failed, warnings: [...new Set(done.flatMap(({ warnings }) => warnings))] },
    ...{ requests: sum(({ requests }) => requests), unchanged: sum(({ unchanged }) => unchanged) },
  }
}

/** A single repository: as its forge lists it; of a server that is none we know, as git sees it. */
async function lookAtOne(rule: MirrorRule, address: string, { config, signal, onWait }: SurveyOptions): Promise<Found> {
  const url = cloneAddress(address, config.forges)
  const here: MirrorRule = { ...rule, from: { kind: 'repo', url } }
  if (placeOf(url, config.forges)) {
    const repo = await listOne(url, { forges: config.forges, signal, onWait })
    return { rule: here, repos: repo ? [repo] : [] }
  }
  // git can't tell what is gone from what it may not see
  const refs = await refsOf(url, sourceCredential(config, url))
  return { rule: here, repos: [plainRepo(url, refs.size === 0)] }
}

export function plainRepo(url: string, empty: boolean): ListedRepo {
  const { origin, pathname } = new URL(url)
  const parts = pathname
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter(Boolean)
  return {
    ...{ forge: 'git', forgeUrl: origin, id: hash('sha256', url.replace(/\.git$/, '')).slice(0, 16) },
    ...{ owner: parts.slice(0, -1).join('/'), name: parts.at(-1) ?? '', cloneUrl: url, empty },
    ...{ private: false, fork: false, archived: false, description: '', topics: [], language: null },
    ...{ defaultBranch: null, bytes: null, pushedAt: null },
  }
}

async function lookAtGitea(client: Gitea, rules: readonly MirrorRule[], more: readonly string[], signal: AbortSignal) {
  // what is no name is refused by the rules, in words
  const named = [...rules.map(({ owner }) => owner), ...more].filter(isNamePart)
  const names = new Map(named.map((name) => [name.toLowerCase(), name]))
  const owners = new Map<string, OwnerKind | null>()
  const existing = await Promise.all(
    [...names.values()].map(async (name) => {
      const owner = await steady(() => client.owner(name, { signal }), signal)
      owners.set(name, owner?.kind ?? null)
      return owner ? steady(() => client.ownedBy(owner.id, { signal }), signal) : []
    }),
  )
  return { existing: existing.flat(), owners }
}
