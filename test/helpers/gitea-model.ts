import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import { sameSource } from '#lib/mirror/identity.ts'
import { placeOf, type Action, type Step } from '#lib/mirror/step.ts'
import type { MirrorRule } from '#lib/mirror/types.ts'

/** A rule that takes all of an account, unless it is said otherwise. */
export const aRule = (more: Partial<MirrorRule> = {}): MirrorRule => ({
  where: 'mirrors.yaml:1',
  from: { kind: 'account', account: { forge: 'gitea', url: 'https://src.example', name: 'org' } },
  ...{ include: null, exclude: null, private: true, forks: true, archived: true, topics: [], language: null },
  ...{ visibility: 'private', intervalMs: 3_600_000, wiki: false, lfs: false, owner: 'mirrors', name: null },
  ...{ orphans: 'keep', build: false, ...more },
})

export const aSource = (id: string, name: string, more: Partial<ListedRepo> = {}): ListedRepo => {
  const owner = more.owner ?? 'org'
  return {
    ...{ forge: 'gitea', forgeUrl: 'https://src.example', id, owner, name, private: false, fork: false, archived: false },
    ...{ cloneUrl: `https://src.example/${owner}/${name}.git`, empty: false, description: `about ${id}`, topics: ['ci'] },
    ...{ language: null, defaultBranch: 'main', bytes: 1000, pushedAt: null, ...more },
  }
}

/** What a repository of the model holds besides: whose content it has. */
export interface Kept extends GiteaRepo {
  /** The id of the source that it was last cloned or synchronised from; null: nothing. */
  content: string | null
}

/** A Gitea in memory, as far as plans act on it: the rules of 1.27.3 for names, moves and clones that don't end. */
export class GiteaModel {
  repos: Kept[] = []
  /** Everything that was announced, by the mirror's number. */
  announced: number[] = []
  next = 1
  sources: ListedRepo[]
  constructor(sources: ListedRepo[]) {
    this.sources = sources
  }

  at = (place: string): Kept | undefined => this.repos.find((repo) => placeOf(repo) === place)

  /** Does one action; throws where Gitea would refuse. `cut`: ends in the middle, where it has one. */
  act(action: Action, cut = false): void {
    if (action.do === 'clone') return this.clone(action.wish, cut)
    const repo = this.at(placeOf(action.at))
    if (action.do === 'delete') {
      if (repo) this.check(repo, action)
      this.repos = this.repos.filter((one) => one !== repo)
      return
    }
    if (!repo) throw new Error(`404 ${placeOf(action.at)} for ${action.do}`)
    this.check(repo, action)
    if (action.do === 'topics') repo.topics = action.topics.toSorted()
    if (action.do === 'change') Object.assign(repo, action.change)
    if (action.do === 'announce') this.announced.push(repo.id)
    if (action.do === 'verify' && repo.content !== this.sourceAt(action.source)?.id) throw new Error('not the same')
    if (action.do === 'rename') this.move(repo, { owner: repo.owner, name: action.to })
    if (action.do === 'transfer') this.move(repo, { owner: action.to, name: repo.name })
  }

  /** Gitea's own clock: what has an interval follows its address, wherever that leads now. */
  sync(): void {
    for (const repo of this.repos) {
      const source = repo.mirror && repo.intervalMs ? this.sourceAt(repo.source) : undefined
      if (source) repo.content = source.id
      else if (repo.intervalMs === null && this.sourceAt(repo.source)) this.finish(repo)
    }
  }

  private sourceAt = (url: string): ListedRepo | undefined => this.sources.find(({ cloneUrl }) => sameSource(cloneUrl, url))

  private clone(wish: Extract<Action, { do: 'clone' }>['wish'], cut: boolean): void {
    const there = this.at(placeOf(wish))
    if (there && there.intervalMs !== null && !sameSource(there.source, wish.source)) throw new Error(`409 ${placeOf(wish)}`)
    if (there && !sameSource(there.source, wish.source)) throw new Error(`409 unfinished ${placeOf(wish)}`)
    const repo = there ?? {
      ...{ id: this.next++, owner: wish.owner, name: wish.name, mirror: true, private: wish.private, empty: true },
      ...{ archived: false, description: wish.description, topics: [], defaultBranch: 'main', cloneUrl: '', bytes: 0 },
      ...{ source: wish.source, intervalMs: null, createdAt: 0, triedAt: null, syncedAt: null, content: null },
    }
    if (!there) this.repos.push(repo)
    if (!cut && repo.intervalMs === null) this.finish(repo)
  }

  private finish(repo: Kept): void {
    const source = this.sourceAt(repo.source)
    if (!source) throw new Error(`422 there is nothing at ${repo.source}`)
    Object.assign(repo, { intervalMs: 28_800_000, empty: false, content: source.id })
  }

  private move(repo: Kept, to: { owner: string; name: string }): void {
    if (repo.intervalMs === null) throw new Error(`422 ${placeOf(repo)} was never cloned to its end`)
    const there = this.at(placeOf(to))
    if (there && there !== repo) throw new Error(`422 ${placeOf(to)} is taken`)
    Object.assign(repo, to)
  }

  private check(repo: Kept, action: Exclude<Action, { do: 'clone' }>): void {
    if (action.at.id !== null && action.at.id !== repo.id) throw new Error(`${action.do} meets another at ${placeOf(repo)}`)
  }
}

/** The actions in an order in which they can be done, the waiting ones when their place is free. `pick` chooses among those that could go on. */
export function* inOrder(steps: readonly Step[], model: GiteaModel, pick: (n: number) => number): Generator<Action> {
  const lines = steps.map(({ actions }) => [...actions])
  for (;;) {
    const ready = lines.filter(([first]) => first && !(`waitsFor` in first && first.waitsFor && model.at(first.waitsFor)))
    if (!ready.length) break
    yield ready[pick(ready.length)]!.shift()!
  }
  const stuck = lines.find((line) => line.length)
  if (stuck) throw new Error(`${JSON.stringify(stuck[0])} waits for ever`)
}
