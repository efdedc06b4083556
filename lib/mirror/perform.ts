/** Does one action of a plan. Each may be repeated: what was done already is found to be so. */
import { RaibidError } from '#lib/errors.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import type { Gitea } from '#lib/forge/gitea.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { steady } from '#lib/forge/steady.ts'
import type { RepoName } from '#lib/forge/types.ts'
import { deleted, ensureClone, TooShortError, wholeOrGone } from './clone.ts'
import { placeOf, type Action, type At } from './step.ts'

export interface Doing {
  client: Gitea
  signal: AbortSignal
  /** What a source asks for; null: nothing, or nothing is known. */
  credentialsFor: (source: string) => { user: string; token: string } | null
  /** Waits until there is room for a clone; gives what is to be called after it. */
  room: (source: string) => Promise<() => void>
  /** Throws unless the mirror has all that its source has. */
  verify: (mirror: RepoName, source: string) => Promise<void>
  /** Intervals that Gitea has refused, after a clone each; shared by all. */
  tooShort: Map<number, TooShortError>
  /** A mirror is new: webhook and first build. */
  announce: (mirror: GiteaRepo, build: boolean) => Promise<void>
}

/** The actions of one step, which share what they know of the mirror that they make. */
export function performer({ client, signal, credentialsFor, room, verify, announce, tooShort }: Doing) {
  const made = new Map<string, GiteaRepo>()
  const ask = <T>(call: () => Promise<T>): Promise<T> => steady(call, signal)

  /** Moved to a place already, by a try whose answer was lost? */
  async function isThere(to: RepoName, id: number | null): Promise<boolean> {
    const there = await ask(() => client.found(to, { signal }))
    return there !== null && there.id === id && there.owner === to.owner && there.name === to.name
  }

  async function move(at: At, to: RepoName, call: () => Promise<unknown>): Promise<void> {
    const id = at.id ?? made.get(placeOf(at))?.id ?? null
    await sure({ ...at, id })
    try {
      await ask(call)
    } catch (error) {
      if (!(error instanceof RefusedError) || !(await isThere(to, id))) throw error
    }
    const known = made.get(placeOf(at))
    if (known) made.set(placeOf(to), { ...known, ...to })
  }

  /** Who was there when it was planned; the names of Gitea are free for all. */
  async function sure(at: At): Promise<GiteaRepo | null> {
    const there = await ask(() => client.found(at, { signal }))
    if (!there || at.id === null || there.id === at.id) return there
    throw new RaibidError(`${at.owner}/${at.name} is another repository now; the next run looks again`)
  }

  return async function perform(action: Action): Promise<void> {
    signal.throwIfAborted()
    if (action.do === 'clone') {
      const leave = await room(action.wish.source)
      const short = tooShort.get(action.wish.intervalMs)
      if (short) {
        leave()
        throw short
      }
      const credentials = credentialsFor(action.wish.source)
      await ensureClone(client, { ...action.wish, credentials }, { signal, begun: action.begun })
        .then((mirror) => made.set(placeOf(action.wish), mirror))
        .catch((error: unknown) => {
          if (error instanceof TooShortError) tooShort.set(action.wish.intervalMs, error)
          throw error
        })
        .finally(leave)
      return
    }
    const { at } = action
    if (action.do === 'topics') return ask(() => client.setTopics(at, action.topics, { signal }))
    if (action.do === 'verify') return verify(at, action.source)
    if (action.do === 'rename')
      return move(at, { owner: at.owner, name: action.to }, () => client.changeMirror(at, { name: action.to }, { signal }))
    if (action.do === 'transfer')
      return move(at, { owner: action.to, name: at.name }, () => client.transferTo(at, action.to, { signal }))
    if (action.do === 'announce') {
      const mirror = made.get(placeOf(at)) ?? (await ask(() => client.found(at, { signal })))
      return mirror ? announce(mirror, action.build) : undefined
    }
    if (action.do === 'change') {
      const known = made.get(placeOf(at))
      if (known && Object.entries(action.change).every(([key, value]) => known[key as keyof GiteaRepo] === value)) return
      const now = await ask(() => client.changeMirror(at, action.change, { signal }))
      const { defaultBranch } = action.change
      // it is not there yet: the next sync brings it, and the next run asks again
      if (defaultBranch !== undefined && now.defaultBranch !== defaultBranch) await ask(() => client.mirrorSync(at, { signal }))
      return
    }
    const there = await sure(at)
    // what Gitea still clones into would come back as a folder that nobody owns
    const left = there?.mirror && there.intervalMs === null ? await wholeOrGone(client, there, { signal }) : there
    if (left) await ask(() => deleted(client, at, signal))
  }
}
