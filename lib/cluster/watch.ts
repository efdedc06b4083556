import { pause } from '#lib/queue/keeper.ts'
import { ApiError, explain, isGone } from './api-error.ts'
import type { Kube } from './kube.ts'
import type { KubeObject, Scope } from './types.ts'

export interface Watcher<T> {
  /** Everything there is, at the start and whenever changes may have been missed: what isn't in it is gone. */
  full: (objects: T[]) => void
  change: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T) => void
  /** It stopped working; null: it works again. */
  trouble?: (error: Error | null) => void
}

/** How long to wait after so many failures in a row: up to 10 s, jittered, so that watchers don't come back as one. */
export const backOff = (failures: number, random = Math.random()): number =>
  Math.round(Math.min(10_000, 200 * 2 ** Math.min(failures, 10)) * (0.5 + random / 2))

/**
 * Watches until the signal, through restarts and outages of any length. It goes on from the last version it has seen (bookmarks keep
 * that fresh); when the server has forgotten that one (410), everything is listed again. So no change is missed: a deletion
 * during an outage shows by what `full` does not have.
 */
export async function watch<T extends KubeObject>(kube: Kube, scope: Scope, on: Watcher<T>, signal: AbortSignal): Promise<void> {
  let version = ''
  let failures = 0
  let listed = 0
  const works = (): void => {
    if (failures > 0) on.trouble?.(null)
    failures = 0
  }
  while (!signal.aborted) {
    const began = Date.now()
    try {
      if (!version) {
        const all = await kube.list<T>(scope, signal)
        on.full(all.items)
        version = all.version
        listed = Date.now()
        works()
      }
      for await (const { type, object } of kube.changes(scope, version, signal)) {
        if (signal.aborted) return
        if (type === 'ERROR') throw refusal(object, scope, kube.server)
        works()
        version = object.metadata.resourceVersion ?? version
        if (type !== 'BOOKMARK') on.change(type as 'ADDED', object as T)
      }
      works()
      // a server that ends each turn at once must not be asked in a loop
      if (Date.now() - began < 1000) await pause(backOff(1), signal)
    } catch (error) {
      if (signal.aborted) return
      if (isGone(error)) {
        // listing at once, unless that is what failed
        if (!version) await pause(backOff(++failures), signal)
        // … or a server that forgets at once what it has just told
        else if (Date.now() - listed < 1000) await pause(backOff(1), signal)
        version = ''
        continue
      }
      if (failures === 0) on.trouble?.(error as Error)
      await pause(backOff(failures++), signal)
    }
  }
}

/** An ERROR in the stream carries a Status. */
function refusal(object: unknown, scope: Scope, server: string): Error {
  const { code = 500 } = object as { code?: number }
  const what = `${scope.kind}s${scope.namespace ? ` in ${scope.namespace}` : ''}`
  const error = explain(code, object, { verb: 'watch', what, server })
  return error instanceof ApiError ? error : new Error(error.message)
}
