/** What the mirror of a source should be like, and what is not so. */
import { safe } from '#lib/cli/untrusted.ts'
import { formatDuration } from '#lib/duration.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import type { RepoName } from '#lib/forge/types.ts'
import { goneTopic, markOf } from './identity.ts'
import type { Action, At } from './step.ts'
import type { MirrorRule } from './types.ts'

export interface Wish extends RepoName {
  mark: string
  source: string
  private: boolean
  description: string
  topics: string[]
  /** null: not known, or nothing was pushed yet. */
  defaultBranch: string | null
  intervalMs: number
  wiki: boolean
  lfs: boolean
  build: boolean
  bytes: number | null
}

export function wishOf(repo: ListedRepo, rule: MirrorRule, target: RepoName): Wish {
  const mark = markOf(repo)
  return {
    ...{ ...target, mark, source: repo.cloneUrl, bytes: repo.bytes },
    private: rule.visibility === 'source' ? repo.private : rule.visibility === 'private',
    // Gitea takes 2048 characters
    description: safe(repo.description).trim().slice(0, 2048).toWellFormed(),
    topics: [mark, ...topicsOf(repo)],
    defaultBranch: repo.empty ? null : repo.defaultBranch,
    ...{ intervalMs: rule.intervalMs, wiki: rule.wiki, lfs: rule.lfs, build: rule.build },
  }
}

/** As many as Gitea takes beside the mark, in its spelling. A source can't give its mirror a mark. */
function topicsOf({ topics }: ListedRepo): string[] {
  const fit = topics.map((topic) => topic.trim().toLowerCase()).filter((topic) => /^[a-z0-9][-.a-z0-9]{0,34}$/.test(topic))
  return [...new Set(fit)].filter((topic) => !topic.startsWith('rb-')).slice(0, 24)
}

/** What makes a mirror that is there as it is wished, and the same in words; both empty: it is so. */
export function amendments(mirror: GiteaRepo, at: At, wish: Wish): { actions: Action[]; words: string[] } {
  const branch = !mirror.empty && wish.defaultBranch !== null && mirror.defaultBranch !== wish.defaultBranch
  const change = {
    ...(mirror.private !== wish.private && { private: wish.private }),
    ...(mirror.description !== wish.description && { description: wish.description }),
    ...(branch && { defaultBranch: wish.defaultBranch! }),
    ...(mirror.intervalMs !== wish.intervalMs && { intervalMs: wish.intervalMs }),
  }
  const sameTopics = mirror.topics.toSorted().join() === wish.topics.toSorted().join()
  const words = [
    change.private !== undefined && (wish.private ? 'private' : 'public'),
    change.description !== undefined && 'its description',
    branch && `default branch ${safe(mirror.defaultBranch)} → ${safe(wish.defaultBranch!)}`,
    change.intervalMs !== undefined && `interval ${shown(mirror.intervalMs)} → ${shown(wish.intervalMs)}`,
    mirror.topics.includes(goneTopic) && 'its source is back',
    !sameTopics && (mirror.topics.includes(wish.mark) ? 'topics' : 'taken up: it had no mark of ours'),
  ].filter((word) => word !== false)
  const actions: Action[] = [
    ...(Object.keys(change).length ? [{ do: 'change', at, change } as const] : []),
    ...(sameTopics ? [] : [{ do: 'topics', at, topics: wish.topics } as const]),
  ]
  return { actions, words }
}

const shown = (ms: number | null): string => (ms === 0 ? 'never' : ms === null ? 'none' : formatDuration(ms))
