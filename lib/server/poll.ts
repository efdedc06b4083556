/** Finds pushes that no delivery told of: Gitea sends each once and never again, and a machine behind a router gets none. */
import type { Redis } from 'ioredis'
import type { RepositoryPolicy } from '#lib/config-repositories.ts'
import type { Forge } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { findForge } from '#lib/forge/find.ts'
import type { Heads } from '#lib/forge/types.ts'
import { heads as headsOf, type KnownRepo } from '#lib/queue/heads.ts'
import { pause } from '#lib/queue/keeper.ts'
import { pageOf } from '#lib/queue/pages.ts'
import { finder, type Delivered } from './hooks/deliver.ts'
import { decide, type Decision } from './hooks/policy.ts'
import type { repoHeads } from './repo-heads.ts'
import type { Say } from './say.ts'

export interface PollOptions {
  redis: Redis
  remote: Pick<ReturnType<typeof repoHeads>, 'all'>
  forges: Forge[]
  policies: RepositoryPolicy[]
  deliver: (source: string, id: string, decision: Decision) => Promise<Delivered>
  signal: AbortSignal
  say: Say
  /** How often those are looked at that have a webhook, ms. */
  everyMs?: number
}

/** Until the signal: each repository at once, then at its own pace. */
export function poller({ redis, remote, forges, policies, deliver, signal, say, everyMs = 600_000 }: PollOptions) {
  const store = headsOf(redis)
  const due = new Map<string, number>()
  const etags = new Map<string, string | null>()
  const failing = new Set<string>()

  async function look(repo: KnownRepo): Promise<void> {
    const { heads: current, etag } = await remote.all(repo.url, etags.get(repo.url) ?? null)
    if (!current) return
    await compare(repo, current)
    // not before: what could not be dealt with is asked for again, and must not be "unchanged" then
    etags.set(repo.url, etag)
  }

  async function compare(repo: KnownRepo, current: Heads): Promise<void> {
    const before = await store.seen(repo.url)
    // at first sight nothing is new
    if (!before) return store.set(repo.url, current)
    const gone = Object.keys(before).filter((branch) => !(branch in current))
    await store.set(repo.url, Object.fromEntries(gone.map((branch) => [branch, null])))
    for (const [branch, commit] of Object.entries(current)) {
      if (before[branch] === commit) continue
      if (!(await isBuilt(repo.url, commit))) await found(repo, branch, commit, before[branch] ?? null)
      await store.set(repo.url, { [branch]: commit })
    }
  }

  const isBuilt = async (repo: string, commit: string): Promise<boolean> =>
    (await pageOf(redis, { repo, limit: 50 })).jobs.some((job) => job.commit === commit)

  async function found(repo: KnownRepo, branch: string, commit: string, before: string | null): Promise<void> {
    const ref = { kind: 'branch', name: branch } as const
    const push = {
      kind: 'push',
      repo,
      ref,
      commit,
      before,
      forced: false,
      message: '',
      author: '',
      commitAt: 0,
      files: null,
    } as const
    // what a mirror's source has is built when the mirror has it
    const { outcome, reason, job } = await deliver(finder, `${repo.url} ${branch} ${commit}`, decide(push, policies))
    say('poll', outcome, { repository: repo.name, branch, job, reason })
  }

  /** Those that are configured to be asked, and those that have pushed to us. */
  async function all(): Promise<(KnownRepo & { every: number })[]> {
    const asked = policies.flatMap(({ match, url, pollMs }) => {
      if (!url || pollMs === null) return []
      const forge = findForge(forges, url)?.forge.kind ?? 'gitea'
      return { url, forge, name: match, defaultBranch: '', every: pollMs }
    })
    const known = (await store.repos()).filter(({ url }) => !asked.some((one) => one.url === url))
    return [...asked, ...known.map((one) => ({ ...one, every: everyMs }))]
  }

  return async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        for (const repo of await all()) {
          if (signal.aborted || (due.get(repo.url) ?? 0) > Date.now()) continue
          due.set(repo.url, Date.now() + repo.every)
          await look(repo).then(
            () => failing.delete(repo.url),
            (error: unknown) => {
              if (!signal.aborted && !failing.has(repo.url))
                say('poll', 'not reached', { repository: repo.name, why: messageOf(error) })
              failing.add(repo.url)
              // soon again: what was missed meanwhile is still to be found
              due.set(repo.url, Date.now() + Math.min(repo.every, 15_000))
            },
          )
        }
      } catch (error) {
        if (!signal.aborted) say('poll', 'trouble', { why: messageOf(error) })
      }
      await pause(Math.max(1000, Math.min(...due.values(), Date.now() + 15_000) - Date.now()), signal)
    }
  }
}
